/**
 * Executables that unpack themselves: a shell script, and an archive behind it.
 *
 * @module
 */
import { join } from "@std/path";
import { createHash } from "node:crypto";
import { SUMS_FILE } from "../../src/program/build_facts.ts";
import script from "./self_extractor.sh" with { type: "text" };
import { filesUnder } from "../files_under.ts";
import { measureFile, sumsText } from "./artifacts.ts";
import { type Compression, DECOMPRESS, packFiles } from "./archive.ts";

/** What is packed, and for whom. */
export interface SelfExtractorOptions {
  /** The program's version. */
  readonly version: string;
  /** For what it is, such as `x86_64-unknown-linux-gnu`. */
  readonly target: string;
  /** What `uname -m` and `uname -s` say there. */
  readonly machines: readonly string[];
  /** Flags of Deno. */
  readonly flags: readonly string[];
  /** How the archive is made smaller. */
  readonly compression: Compression;
}

/**
 * Makes an executable of a folder with a program: `deno`, `moeno.js`, and what
 * they read. Its first start unpacks the folder, whole or not at all.
 *
 * @param folder The folder. The file of hashes is written into it.
 * @param output The executable.
 * @param options What it is.
 */
export async function writeSelfExtractor(
  folder: string,
  output: string,
  options: SelfExtractorOptions,
): Promise<void> {
  const names = await filesUnder(folder);
  const { sums, byteLength } = await hashFiles(folder, names);
  await Deno.writeTextFile(join(folder, SUMS_FILE), sums);
  const archive = `${output}.archive`;
  try {
    const packed = [...names, SUMS_FILE];
    await packFiles(folder, packed, archive, options.compression);
    const { size } = await Deno.stat(archive);
    const part = `${output}.part`;
    await Deno.writeTextFile(
      part,
      scriptOf({
        ...options,
        names: packed,
        sums,
        byteLength,
        archiveByteLength: size,
      }),
      { mode: 0o755 },
    );
    const [from, to] = await Promise.all([
      Deno.open(archive),
      Deno.open(part, { append: true }),
    ]);
    await from.readable.pipeTo(to.writable);
    await Deno.rename(part, output);
  } finally {
    await Deno.remove(archive);
  }
}

/** What the script knows of its archive. */
interface ScriptFacts extends SelfExtractorOptions {
  /** The paths of all files, which have no spaces. */
  readonly names: readonly string[];
  /** The file of hashes. */
  readonly sums: string;
  /** Bytes of the files. */
  readonly byteLength: number;
  /** Bytes of the archive. */
  readonly archiveByteLength: number;
}

/**
 * Fills the script in.
 *
 * @param facts What it is to know.
 * @returns Its text.
 */
export function scriptOf(facts: ScriptFacts): string {
  const hash = createHash("sha256").update(facts.sums).digest("hex");
  const values: Record<string, string> = {
    version: facts.version,
    target: facts.target,
    // The hash is of everything: another build has another folder.
    id: `${facts.version}-${hash.slice(0, 16)}`,
    "sums_hash": hash,
    names: facts.names.join(" "),
    caches: facts.target.endsWith("-apple-darwin")
      ? "Library/Caches"
      : ".cache",
    machines: facts.machines.map((name) => `"${name}"`).join(" | "),
    flags: facts.flags.join(" "),
    decompress: DECOMPRESS[facts.compression],
    "unpacked_kib": `${Math.ceil(facts.byteLength / 1024)}`,
  };
  const filled = script.replace(
    /@(\w+)@/g,
    (whole, name) => values[name] ?? whole,
  );
  return withLengths(filled, facts.archiveByteLength);
}

/** The script's own length is in it, so its digits count, too. */
function withLengths(text: string, archiveByteLength: number): string {
  let result = text;
  for (let length = 0; length !== byteLength(result);) {
    length = byteLength(result);
    result = text.replace("@script_length@", `${length}`)
      .replace("@whole_length@", `${length + archiveByteLength}`);
  }
  return result;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The hashes of files, and their bytes all together. */
async function hashFiles(
  folder: string,
  names: readonly string[],
): Promise<{ sums: string; byteLength: number }> {
  const files = await Array.fromAsync(
    names,
    (name) => measureFile(folder, name),
  );
  const byteLength = files.reduce((sum, file) => sum + file.byteLength, 0);
  return { sums: sumsText(files), byteLength };
}
