/** `moeno verify` as a process. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { moeno } from "./_program.ts";
import { STORIES, tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const FAULT = fromFileUrl(new URL("_verify_fault.ts", import.meta.url));

Deno.test("verify says that a model computes what it should, as a table and as JSON", async () => {
  using home = tempDirectory();
  using model = await tinyCheckpoint({ config: { "vocab_size": 4096 } });
  await Deno.writeTextFile(`${home.path}/prompt.txt`, "Once upon a time.\n");
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await Deno.copyFile(`${STORIES}/${name}`, `${model.path}/${name}`);
  }
  const args = ["verify", "--quick", "--tokens", "8", "--positions", "3"];
  const env = { MOENO_HOME: home.path };
  const table = await moeno([
    ...[...args, "--model", model.path],
    ...["--file", `${home.path}/prompt.txt`],
  ], { env });
  assertEquals(table.code, 0, table.stderr);
  const lines = table.stdout.trimEnd().split("\n");
  assertEquals(lines.length, 7); // a heading, and no notes
  for (
    const pattern of [
      /^check +what +compared with +how much +verdict$/,
      /^same seed +.* the first time +8 tokens, logits of \d+ positions +same to the bit$/,
      /^experts +2 of 4 slots, pinned, by gpu, class-lru, prefetch next-layer +all experts on the GPU +8 tokens.* same to the bit$/,
      /^experts +2 of 4 slots, pinned, by cpu, .* same to the bit$/,
      /^GPU = plain +a prompt at once +plain loops .* 3 positions +within rounding \(\d\.\de-\d of \d\.\de-\d\)$/,
      /^GPU = plain +single tokens .* within rounding/,
      /^prefill = decode +prompts of 2, \d tokens at once +single tokens .* \d positions? +within rounding/,
    ]
  ) {
    assert(
      lines.some((line) => pattern.test(line)),
      `${pattern}\n${table.stdout}`,
    );
  }
  assertStringIncludes(table.stderr, "8 after it, seed 1");

  const json = await moeno([
    ...[...args, "--synthetic", "tiny", "--json", "--quiet"],
    ...["--activations", "int8"],
  ], { env });
  assertEquals([json.code, json.stderr], [0, ""]);
  const { isRight, rows, adapter } = JSON.parse(json.stdout);
  assertEquals([isRight, rows.length, typeof adapter], [true, 6, "string"]);
  assertEquals(rows[1].options.residency, "gpu");
  assert(rows[1].uses.misses > 0);
  const { notes, verdict, difference, tolerance } = rows.at(-1);
  assertEquals(verdict, "skipped");
  assertEquals(notes, ["measured, not judged: int8 is meant to differ"]);
  assert(difference >= 0 && tolerance > 0);
});

Deno.test("verify says what differs, what to do about it, and exits with 1", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", FAULT, "verify", "--synthetic", "tiny"],
      ...["--quick", "--tokens", "4", "--positions", "6"],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const [out, err] = [stdout, stderr]
    .map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  assertEquals(code, 1, err);
  assert(/^prefill = decode .* DIFFERENT \(\d\.\de.\d of /m.test(out), out);
  assert(/^GPU = plain +a prompt at once .* DIFFERENT/m.test(out), out);
  assert(/^GPU = plain +single tokens .* within rounding/m.test(out), out);
  assertStringIncludes(err, "The GPU computes something else");
  assertStringIncludes(err, "To report it: moeno verify --json");
});

Deno.test("verify says in a sentence what does not go", async () => {
  using empty = tempDirectory();
  await Deno.writeTextFile(`${empty.path}/empty.txt`, "");
  const cases: [string[], number, string][] = [
    [["hello"], 2, 'received "hello"; --prompt <text> sets the prompt'],
    [["--tokens", "0"], 2, "--tokens is 0, wanted an integer of at least 1"],
    [["--synthetic", "tiny", "--prompt", "x"], 2, "does not go with --prompt"],
    [["--model", empty.path], 1, "config.json: there is no such file"],
    [
      ["--synthetic", "tiny", "--context", "64"],
      1,
      "Cannot verify with a prompt of 96 tokens and 32 after it: the context holds 64, wanted 128 or more",
    ],
  ];
  for (const [args, wanted, says] of cases) {
    const { code, stdout, stderr } = await moeno(["verify", ...args]);
    assertStringIncludes(stderr, says);
    assert(/^error: [^\n]+\n$/.test(stderr), stderr);
    assertEquals([code, stdout], [wanted, ""]);
  }
});
