// deno-lint-ignore-file no-console
/**
 * Compares our verdicts on broken safetensors files with those of the reference
 * reader, which a Python needs to have (`pip install safetensors`):
 *
 * ```sh
 * deno run -A --lock=tests/deno.lock tests/fuzz/compare_safetensors.ts python3 100000 7
 * ```
 *
 * The numbers are how many files, and the seed. With `--write` short ones of them go to
 * `tests/testdata/safetensors/mutants.json`, which `src/io/safetensors_test.ts` reads.
 */

import fc from "npm:fast-check@4.11.0";
import { parseHeader } from "../../src/io/safetensors.ts";
import { SAFETENSORS_FILES } from "./safetensors.ts";

/** What of the sample is written: short files, of either verdict so many. */
const MAX_LENGTH = 260;
const WRITTEN = 120;

/** Says for each line of stdin, a file in base64, whether it is taken. */
const REFERENCE = `
import sys, base64, safetensors
for line in sys.stdin:
    try:
        safetensors.deserialize(base64.b64decode(line))
        print("taken")
    except Exception:
        print("refused")
`;

const [python = "python3", count = "10000", seed = "7", flag] = Deno.args;
const files = fc.sample(SAFETENSORS_FILES, {
  numRuns: Number(count),
  seed: Number(seed),
});
const wanted = await verdictsOfReference(files);
const isOther = (bytes: Uint8Array, i: number) => isTaken(bytes) !== wanted[i];
const others = files.filter(isOther);
console.log(
  `${files.length} files, ${
    wanted.filter(Boolean).length
  } taken, ${others.length} verdicts differ`,
);
for (const bytes of others) {
  console.log(isTaken(bytes) ? "we take" : "we refuse", show(bytes));
}
if (flag === "--write") await write();

async function verdictsOfReference(
  files: readonly Uint8Array[],
): Promise<boolean[]> {
  const process = new Deno.Command(python, {
    args: ["-c", REFERENCE],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = files.map((bytes) => bytes.toBase64() + "\n").join("");
  const [stdout] = await Promise.all([
    new Response(process.stdout).text(),
    new Blob([lines]).stream().pipeTo(process.stdin),
  ]);
  return stdout.trimEnd().split("\n").map((line) => line === "taken");
}

function isTaken(bytes: Uint8Array): boolean {
  try {
    parseHeader(bytes);
    return true;
  } catch {
    return false;
  }
}

async function write(): Promise<void> {
  const seen = new Set<string>();
  const isNew = (base64: string) => seen.size < seen.add(base64).size;
  const short = files.map((bytes, i) => ({ bytes, accepted: wanted[i]! }))
    .filter(({ bytes }, i) =>
      bytes.length <= MAX_LENGTH && !others.includes(files[i]!) &&
      isNew(bytes.toBase64())
    );
  const chosen = [true, false].flatMap((verdict) =>
    short.filter(({ accepted }) => accepted === verdict).slice(0, WRITTEN)
  );
  const lines = chosen.map(({ bytes, accepted }) =>
    `  ${JSON.stringify([bytes.toBase64(), accepted])}`
  );
  const url = new URL("../testdata/safetensors/mutants.json", import.meta.url);
  await Deno.writeTextFile(url, `[\n${lines.join(",\n")}\n]\n`);
}

function show(bytes: Uint8Array): string {
  const header = new TextDecoder().decode(bytes.subarray(8));
  return JSON.stringify(header.slice(0, 300));
}
