/** `moeno perplexity` and `moeno quality` as processes. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
} from "@std/assert";
import { perplexity, quantizeModel, type WeightBits } from "../mod.ts";
import { withEngine } from "./_engine.ts";
import { moeno, start } from "./_program.ts";
import { STORIES, tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";
// Mean negative log-likelihoods, by window, which agree with transformers.
import windowNlls from "./testdata/perplexity_windows.json" with {
  type: "json",
};

const TEXT_PATH = `${STORIES}/eval_stories.txt`;
const TEXT = (await Deno.readTextFile(TEXT_PATH)).slice(0, 1500);

/** It takes the ids of the bundled tokenizer, and quantizes in groups of 64. */
const TINY = {
  config: {
    "vocab_size": 4096,
    "hidden_size": 128,
    "intermediate_size": 128,
    "num_hidden_layers": 1,
  },
  dtype: "BF16",
} as const;

/** Matrices are too small for scales in groups of 256. */
const GROUPS = ["--attn-scale-group-size", "64"]
  .concat("--expert-scale-group-size", "64");

/** Reads a stream up to what it is to say, and all that comes after. */
async function readUntil(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  wanted: RegExp,
): Promise<{ rest: Promise<string> }> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!wanted.test(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Cannot find ${wanted} in ${text}`);
    text += value;
  }
  async function rest() {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return text;
      text += value;
    }
  }
  return { rest: rest() };
}

Deno.test("perplexity of a window is that of transformers", async () => {
  const { code, stdout, stderr } = await moeno([
    ...["perplexity", TEXT_PATH, "--model", STORIES],
    ...["--windows", "1", "--json", "--quiet"],
  ]);
  assertEquals([code, stderr], [0, ""]);
  const { windows, ...result } = JSON.parse(stdout);
  assertEquals([result.window, result.stride, result.bos], [512, 512, "none"]);
  assertEquals([result.text, result.model], [
    "eval_stories.txt",
    "stories-17m",
  ]);
  assertEquals([result.tokenCount, result.windowCount], [511, 1]);
  assertAlmostEquals(windows[0].nll, windowNlls[0]!, 1e-4);
  assertAlmostEquals(result.perplexity, Math.exp(windowNlls[0]!), 5e-4);
  assertEquals([result.nllError, result.perplexityError], [null, null]);
  assert(result.bitsPerByte > 0.3 && result.bitsPerByte < 1);
  assert(result.timeMs > 0 && result.tokensPerSecond > 0);
});

Deno.test("perplexity of stdin is perplexity(), window by window", async () => {
  using model = await tinyCheckpoint(TINY);
  const { code, stdout, stderr } = await moeno([
    ...["perplexity", "-", "--model", model.path, "--bos", "windows"],
    ...["--window", "48", "--stride", "20", "--windows", "3", "--per-window"],
  ], { input: TEXT });
  const result = await withEngine(
    model.path,
    { contextLength: 48 },
    (engine) => {
      const { tokenizer } = engine;
      const ids = tokenizer.encode(TEXT, { addSpecialTokens: false });
      return perplexity(engine, ids, {
        ...{ windowLength: 48, stride: 20, windowCount: 3 },
        prefixId: tokenizer.bosId,
      });
    },
  );
  const lines = stdout.split("\n");
  assertEquals([code, lines.length], [0, 8]);
  assert(/^1 of 3, from token 0: \d+\.\d{4}, so far \d+/.test(lines[0]!));
  const value = result.perplexity.toFixed(4);
  assert(lines[2]!.startsWith("3 of 3, from token 40: "), lines[2]);
  assert(lines[2]!.endsWith(`so far ${value}`), `${lines[2]}: not ${value}`);
  assert(lines[3]!.startsWith(`perplexity     ${value} ± `), lines[3]);
  // 47 of the first window and 20 of each of the others.
  assertEquals(lines[6], "tokens         87 foretold in 3 windows");
  assertStringIncludes(
    stderr,
    "; stdin: 3 windows of 48 tokens, a stride of 20, a start token in each; 144 tokens in ",
  );
});

Deno.test("quality compares what perplexity says of each pair of bits", async () => {
  using model = await tinyCheckpoint(TINY);
  await Deno.writeTextFile(`${model.path}/eval.txt`, TEXT);
  const args = ["quality", "--model", model.path, "--window", "40", ...GROUPS]
    .concat("--attn-bits", "16,4", "--expert-bits", "16,3", "--windows", "2");
  const { code, stdout, stderr } = await moeno([...args, "--json", "--quiet"]);
  assertEquals([code, stderr], [0, ""]);
  const { rows, skipped, windowCount } = JSON.parse(stdout);
  assertEquals([rows.length, skipped, windowCount], [4, [], 2]);
  const bits: [WeightBits, WeightBits][] = [[16, 16], [16, 3], [4, 16], [4, 3]];
  for (const [i, [attnBits, expertBits]] of bits.entries()) {
    const { change, divergence, ...row } = rows[i];
    assertEquals([row.attnBits, row.expertBits], [attnBits, expertBits]);
    assertEquals([row.windows.length, row.windowCount], [2, 2]);
    if (i === 0) {
      assertEquals([change, divergence], [null, null]);
      continue;
    }
    const share = row.perplexity / rows[0].perplexity - 1;
    assertAlmostEquals(change.share, share, 1e-9);
    const { kl, topAgreement, tokenCount } = divergence;
    assert(kl > 1e-4 && kl < 1 && topAgreement > 0 && topAgreement < 1);
    assertEquals(tokenCount, row.tokenCount);
  }
  const both = { attnScaleGroupSize: 64, expertScaleGroupSize: 64 };
  for (
    const [i, options] of [
      [1, { expertBits: 3, expertScaleGroupSize: 64 }],
      [3, { attnBits: 4, expertBits: 3, ...both }],
    ] as const
  ) {
    const result = await withEngine(
      model.path,
      { ...options, contextLength: 40 },
      (engine) => {
        const plain = { addSpecialTokens: false };
        const ids = engine.tokenizer.encode(TEXT, plain);
        return perplexity(engine, ids, { windowLength: 40, windowCount: 2 });
      },
    );
    assertEquals(rows[i].perplexity, result.perplexity);
  }
  const byteLengths = rows.map(({ byteLength }: { byteLength: number }) =>
    byteLength
  );
  assert(byteLengths[3] < byteLengths[1] && byteLengths[1] < byteLengths[0]);
  // bfloat16 but for norms and router, which are float32 in memory.
  assertAlmostEquals(rows[0].bitsPerWeight, 16, 0.02);
});

Deno.test("quality runs what is quantized as it is stored", async () => {
  using model = await tinyCheckpoint(TINY);
  using place = tempDirectory();
  const quantized = `${place.path}/quantized`;
  await quantizeModel(model.path, quantized, {
    ...{ attnBits: 16, expertBits: 2, expertScaleGroupSize: 64 },
  });
  const text = `${place.path}/text.txt`;
  await Deno.writeTextFile(text, TEXT);
  const { code, stdout, stderr } = await moeno([
    ...["quality", text, "--model", quantized, "--window", "40"],
    ...["--windows", "2", "--bits", "16/2,16/16", "--markdown"],
  ]);
  assertEquals(code, 0);
  const lines = stdout.split("\n");
  assert(
    /^quantized on .+; text\.txt: 2 windows of 40 tokens$/.test(lines[0]!),
  );
  assert(lines[2]!.startsWith("| attention | experts |"), stdout);
  assert(lines[4]!.startsWith("|    16-bit |   2-bit |"), stdout);
  assertEquals(lines[5], "");
  assertStringIncludes(
    stderr,
    "# 16/16 left out: Cannot load " + quantized +
      " with 16 bits for the experts: it is already quantized to 2; quantize from the original weights\n",
  );
  const alone = await moeno([
    ...["quality", text, "--model", quantized, "--bits", "4/4"],
    ...["--window", "40", "--windows", "1"],
  ]);
  assertEquals([alone.code, alone.stdout], [1, ""]);
  assertStringIncludes(alone.stderr, "error: Cannot load " + quantized);
});

Deno.test("perplexity and quality print at Ctrl-C what there is", async () => {
  using model = await tinyCheckpoint(TINY);
  const text = `${model.path}/eval.txt`;
  await Deno.writeTextFile(text, TEXT.repeat(50));
  const one = start([
    ...["perplexity", text, "--model", model.path, "--window", "64"],
    "--per-window",
  ]);
  await one.stdin.close();
  const out = await readUntil(one.stdout, / 2 of /);
  one.kill("SIGINT");
  const [stdout, stderr, { code }] = await Promise.all([
    out.rest,
    new Response(one.stderr).text(),
    one.status,
  ]);
  assertEquals(code, 130);
  const [, done] = /Stopped after (\d+) of \d+ windows/.exec(stderr)!;
  assert(Number(done) >= 2);
  assertStringIncludes(stdout, `foretold in ${done} windows\n`);

  const grid = start([
    ...["quality", "--model", model.path, "--window", "32", ...GROUPS],
    ...["--windows", "20", "--attn-bits", "16", "--expert-bits", "16,8,4,3,2"],
    "--markdown",
  ]);
  await grid.stdin.close();
  const err = await readUntil(grid.stderr, /# 16\/16: perplexity/);
  grid.kill("SIGINT");
  const [table, told, status] = await Promise.all([
    new Response(grid.stdout).text(),
    err.rest,
    grid.status,
  ]);
  assertEquals(status.code, 130);
  assert(/Stopped after [1-4] of 5\n$/.test(told), told);
  assertStringIncludes(table, "|    16-bit |  16-bit |");
});

Deno.test("perplexity and quality say in a sentence what does not go", async () => {
  using place = tempDirectory();
  const short = `${place.path}/short.txt`;
  const binary = `${place.path}/binary`;
  await Deno.writeTextFile(short, "Once upon a time");
  await Deno.writeFile(binary, new Uint8Array([0xff, 0xfe, 0]));
  const model = ["--model", STORIES];
  const cases: [string[], number, string][] = [
    [["perplexity"], 2, "perplexity has 0 text files, wanted one, or - for s"],
    [["perplexity", "a", "b"], 2, "perplexity has 2 text files, wanted one"],
    [["perplexity", short, "--window", "1"], 2, "--window is 1, wanted an int"],
    [["perplexity", short, "--bos", "x"], 2, "wanted one of none, text, wind"],
    [["perplexity", short, "--activations", "int8"], 2, "wanted --decode, too"],
    [
      ["perplexity", "/nowhere"],
      1,
      "text from /nowhere: there is no such file",
    ],
    [["perplexity", binary], 1, `text from ${binary}: it is not UTF-8`],
    [["perplexity", short], 1, "or a shorter window (--window)"],
    [
      ["perplexity", TEXT_PATH, "--window", "600"],
      1,
      "windows of 600 tokens: the model was made for 512 positions, wanted wi",
    ],
    [
      ["perplexity", TEXT_PATH, "--window", "8", "--stride", "9"],
      1,
      "with a stride of 9: wanted a whole number from 1 to 8",
    ],
    [
      ["quality", "a", "b", ...model],
      2,
      "quality has 2 text files, wanted one",
    ],
    [
      ["quality"],
      2,
      "There is no text: stories-17m-q has no eval*.txt, wanted",
    ],
    [["quality", short, ...model], 1, "wanted at least 512, or a shorter wind"],
    [
      ["quality", "--decode", "--chunk-size", "8"],
      2,
      "does not go with --chunk",
    ],
  ];
  const results = await Promise.all(cases.map(([args]) => moeno(args)));
  for (const [i, { code, stdout, stderr }] of results.entries()) {
    const [, wanted, says] = cases[i]!;
    assertStringIncludes(stderr, says);
    assert(/^error: [^\n]+\n$/.test(stderr), stderr);
    assertEquals([code, stdout], [wanted, ""]);
  }
});
