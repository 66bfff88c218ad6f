/** Experts beyond VRAM on the command line, as a process. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parseTrace, replay } from "../mod.ts";

const PROGRAM = fromFileUrl(new URL("../mod.ts", import.meta.url));
const PROMPT = ["Once upon a time", "--temperature", "0", "--max-tokens", "12"];

async function generate(...flags: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", PROGRAM, "generate", ...PROMPT, ...flags],
    env: { NO_COLOR: "1" },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("generate gives the same with experts off the GPU, and says how it went", async () => {
  const resident = JSON.parse((await generate("--json")).stdout);
  const { stdout, stderr, code } = await generate("--json", "--slots", "2");
  const { ids, text, offload } = JSON.parse(stdout);
  assertEquals([code, ids, text], [0, resident.ids, resident.text]);
  assertEquals(resident.offload, undefined);
  assertEquals(offload.tokenCount, 11);
  assertEquals(offload.layers.length, 6);
  assert(offload.hitRate > 0 && offload.hitRate < 1);
  assert(offload.averageLinkGigabytesPerSecond > 0);
  for (const phase of ["readback", "decide", "encode", "submit"]) {
    assert(offload.timeMs[phase] > 0, phase);
  }
  assert(
    /; hit rate 0\.\d\d; \d+\.\d MB\/token; link [\d.]+ GB\/s on average\n$/
      .test(stderr),
    stderr,
  );
});

Deno.test("generate reads experts from disk, by a plan that it shows", async () => {
  const { code, stdout, stderr } = await generate(
    ...["--slots", "8,8,8,2,3,4", "--store", "disk", "--plan"],
    ...["--prefetch", "next-layer", "--chunk-size", "2"],
    ...["--residency", "auto"],
  );
  assertEquals(code, 0);
  assertStringIncludes(stdout, "there was a little girl");
  assertStringIncludes(stderr, "24 experts on disk");
  assertStringIncludes(
    stderr,
    "- Residency: decided by the host, since 24 experts off the GPU are not",
  );
  assertStringIncludes(stderr, "slots  8 in layers 0-2, 2 in layer 3, 3 in l");
  assertStringIncludes(stderr, "prefetch recall 0.");
});

Deno.test("generate says in a sentence what no plan can hold", async () => {
  const cases: [string[], string][] = [
    [["--slots", "1"], "layer 0 gets 1 slot, wanted 2 (top-k) to 8"],
    [["--slots", "2,2"], "slots are listed for 2 layers, wanted one number"],
    [
      ["--slots", "2", "--store", "array-buffer", "--residency", "gpu"],
      "48 experts off the GPU are not pinned, wanted all for residency gpu; use",
    ],
    [["--vram", "1MiB"], "1.0 MiB of VRAM have to hold the trunk (4.7 MiB)"],
  ];
  for (const [flags, message] of cases) {
    const { code, stdout, stderr } = await generate(...flags);
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, message);
    assert(/^error: Cannot plan: .*\n$/.test(stderr), stderr);
  }
});

Deno.test("generate --trace records what a replay finds again", async () => {
  const path = await Deno.makeTempFile({ suffix: ".trace" });
  try {
    const flags = ["--slots", "3", "--policy", "lfu", "--json"];
    const { stdout, stderr } = await generate("--trace", path, ...flags);
    const { offload, promptTokens } = JSON.parse(stdout);
    assertStringIncludes(stderr, `# ${path}: routing of 16 tokens\n`);
    const trace = parseTrace(await Deno.readFile(path));
    assertEquals(trace.tokenCount, promptTokens + offload.tokenCount);
    const replayed = replay(trace, { slots: 3, policy: "lfu" });
    assertEquals(replayed.hitRate, offload.hitRate);
  } finally {
    await Deno.remove(path);
  }
});
