import { assertEquals, assertStringIncludes } from "@std/assert";
import type { GenerateOptions } from "../../engine/options.ts";
import {
  fakeEngine,
  type FakeEngineOptions,
  fakeProcess,
} from "../_fake_engine.ts";
import { OffloadStats } from "../../offload/offload_stats.ts";
import { repl } from "./repl.ts";
import type { ModelSwitch } from "./session.ts";

/** Types lines into a chat. */
async function chat(
  lines: string[],
  { isTerminal = false, generate = {}, system, home, models, ...options }:
    & {
      isTerminal?: boolean;
      generate?: GenerateOptions;
      system?: string;
      showsStats?: boolean;
      home?: string;
      models?: ModelSwitch;
    }
    & FakeEngineOptions = {},
) {
  const engine = fakeEngine(options);
  const input = lines.map((line) => `${line}\n`).join("");
  const process = fakeProcess(engine, { input, isTerminal });
  const code = await repl({
    engine,
    io: process.io,
    interrupts: process.interrupts,
    generate,
    system,
    home,
    models,
    showsStats: options.showsStats ?? false,
    describe: (error) => (error as Error).message,
  });
  const { stdout, stderr } = process;
  return { code, stdout, stderr, asked: engine.asked, options: engine.options };
}

Deno.test("repl() answers each line of a pipe and decorates nothing", async () => {
  const { code, stdout, stderr, asked } = await chat(["a", "", "b"]);
  assertEquals(stdout, "<a>\n<b>\n");
  assertEquals(stderr, "");
  assertEquals(code, 0);
  assertEquals(asked[1], [
    { role: "user", content: "a" },
    { role: "assistant", content: "<a>" },
    { role: "user", content: "b" },
  ]);
});

Deno.test("repl() prompts on stderr at a terminal", async () => {
  const { stdout, stderr } = await chat(["a", '"""b', 'c"""'], {
    isTerminal: true,
  });
  assertEquals(stdout, "<a>\n<b\nc>\n");
  assertEquals(stderr, "> > ... > \n");
});

Deno.test("repl() takes no command from between fences", async () => {
  const { stdout } = await chat(['"""/exit"""', "/exit", "b"]);
  assertEquals(stdout, "</exit>\n");
});

Deno.test("repl() forgets a message that fails and goes on", async () => {
  const { code, stdout, stderr, asked } = await chat(
    ["a", "/system off", "b"],
    { refusesSystem: true, system: "be nice" },
  );
  assertEquals(stdout, "<b>\n");
  assertStringIncludes(
    stderr,
    "error: Cannot render the chat template: no system role\n/system off",
  );
  assertEquals(asked[1], [{ role: "user", content: "b" }]);
  assertEquals(code, 1); // nobody sees stderr of a pipe
});

Deno.test("repl() says that the context is full", async () => {
  const long = "x".repeat(12);
  const { stdout, stderr } = await chat([long, "b", "/clear", "b"], {
    contextLength: 16,
    isTerminal: true,
  });
  // Four positions are left, and the last one's logits give a fifth token.
  assertEquals(stdout, `<xxxx\n<b>\n`);
  assertStringIncludes(stderr, "The context is full: the answer stops here.");
  assertStringIncludes(stderr, "error: Cannot generate: the prompt has 18 tok");
});

Deno.test("repl() stops an answer at Ctrl-C and keeps what there is", async () => {
  let tokens = 0;
  const engine = fakeEngine({
    onToken: () => {
      if (++tokens === 3) process.interrupt();
    },
  });
  const process = fakeProcess(engine, { input: "abcdef\nb\n" });
  const code = await repl({
    engine,
    io: process.io,
    interrupts: process.interrupts,
    generate: {},
    showsStats: false,
    describe: String,
  });
  assertEquals(process.stdout, "<ab\n<b>\n");
  assertEquals(engine.asked[1]?.[1], { role: "assistant", content: "<ab" });
  assertEquals(code, 0);
});

Deno.test("repl() forgets a message stopped before its answer", async () => {
  let tokens = 0;
  const engine = fakeEngine({
    onToken: () => {
      if (++tokens === 1) process.interrupt();
    },
  });
  const process = fakeProcess(engine, { input: "a\nb\n" });
  await repl({
    engine,
    io: process.io,
    interrupts: process.interrupts,
    generate: {},
    showsStats: false,
    describe: String,
  });
  assertEquals(process.stdout, "\n<b>\n");
  assertEquals(engine.asked[1], [{ role: "user", content: "b" }]);
});

Deno.test("repl() ends at Ctrl-C at the prompt", async () => {
  const input = new ReadableStream<Uint8Array>({ start: () => {} });
  const process = fakeProcess(fakeEngine(), { input, isTerminal: true });
  const ended = repl({
    engine: fakeEngine(),
    io: process.io,
    interrupts: process.interrupts,
    generate: {},
    showsStats: false,
    describe: String,
  });
  setTimeout(() => process.interrupt(), 0);
  assertEquals(await ended, 130);
  assertEquals(process.stderr, "> \n");
});

Deno.test("repl() answers again with a fresh seed", async () => {
  const { stdout, stderr, asked, options } = await chat(
    ["/regen", "a", "b", "/regen", "c"],
    { generate: { seed: 7 } },
  );
  assertEquals(stdout, "<a>\n<b>\n<b>\n<c>\n");
  assertStringIncludes(stderr, "There is no message to answer again.");
  assertEquals(asked[2], asked[1]);
  assertEquals(asked[3]?.map(({ content }) => content), [
    "a",
    "<a>",
    "b",
    "<b>",
    "c",
  ]);
  assertEquals(options.map(({ seed }) => seed), [7, 7, undefined, 7]);
});

Deno.test("repl() sets what the flags set", async () => {
  const { stderr, options } = await chat([
    "/set temperature 0.5",
    "/set top_k 3",
    "/set stop b>",
    "/set ignore-eos on",
    "/set max-tokens 5",
    "a",
    "/set temperature default",
    "/set ignore-eos off",
    "b",
    "/set temperature -1",
    "/set tempratur 1",
    "/set seed",
    "/set ignore-eos maybe",
    "/set",
  ], { isTerminal: false });
  const { signal: _, ...first } = options[0]!;
  assertEquals(first, {
    temperature: 0.5,
    topK: 3,
    stop: ["b>"],
    ignoreEos: true,
    maxTokens: 5,
  });
  const { signal: __, ...second } = options[1]!;
  assertEquals(second, { topK: 3, stop: ["b>"], maxTokens: 5 });
  assertStringIncludes(stderr, "temperature 0.5\n");
  assertStringIncludes(stderr, "wanted a number of at least 0\n");
  assertStringIncludes(stderr, "did you mean temperature?\n");
  assertStringIncludes(stderr, "seed has no value, wanted <n> or default\n");
  assertStringIncludes(stderr, "ignore-eos is maybe, wanted on or off\n");
  assertStringIncludes(stderr, "  top-k 3\n");
  assertStringIncludes(stderr, "  min-p (default: ");
});

Deno.test("repl() shows statistics when asked", async () => {
  const { stderr } = await chat([
    "/stats",
    "a",
    "/stats",
    "/stats on",
    "b",
    "/stats often",
  ]);
  const lines = stderr.trim().split("\n");
  assertEquals(lines[0], "There is no answer yet.");
  assertStringIncludes(lines[1]!, "# 3 tokens");
  assertStringIncludes(lines[1]!, "; seed ");
  assertEquals(lines[2], "# 3 tokens in all answers");
  assertEquals(lines[3], "Statistics after each answer: on.");
  assertStringIncludes(lines[4]!, "(4 cached)");
  assertStringIncludes(lines[5]!, "error: /stats is given often");
});

Deno.test("repl() shows in full what offloading did when asked", async () => {
  const stats = new OffloadStats(2);
  stats.countUses(1, { hits: 3, misses: 1, evictions: 1 });
  const { stderr } = await chat(["a", "/stats"], {
    offload: stats.snapshot(),
  });
  const lines = stderr.trim().split("\n");
  assertStringIncludes(lines[0]!, "; hit rate 0.75; seed ");
  assertStringIncludes(lines[1]!, "layer  hits  misses  hit rate  evictions");
  assertEquals(lines[2]!.trim().split(/\s+/).slice(0, 5), [
    "1",
    "3",
    "1",
    "0.75",
    "1",
  ]);
  assertEquals(lines.at(-1), "# 3 tokens in all answers");
});

Deno.test("repl() reuses the cache from turn to turn", async () => {
  const { stderr } = await chat(["a", "b"], { showsStats: true });
  const [first, second] = stderr.trim().split("\n");
  assertStringIncludes(first!, "prompt 1 token");
  assertStringIncludes(second!, "prompt 5 tokens (4 cached)"); // a<a>b
});

Deno.test("repl() helps, and guesses at commands", async () => {
  const { code, stderr } = await chat([
    "/help",
    "/hlep",
    "/qwertz",
    "/system x",
  ]);
  assertStringIncludes(stderr, "/regen");
  assertStringIncludes(stderr, "Unknown command /hlep; did you mean /help?");
  assertStringIncludes(stderr, "Unknown command /qwertz; /help lists them");
  assertStringIncludes(stderr, "System message: x");
  assertEquals(code, 0);
});

Deno.test("repl() takes turns away, several times", async () => {
  const { stderr, asked } = await chat([
    ...["a", "b", "c", "/undo", "/undo", "/history", "d", "/undo", "/undo"],
    "/undo",
  ]);
  assertStringIncludes(stderr, "Taken away: c (2 turns left)\n");
  assertStringIncludes(stderr, "Taken away: b (1 turn left)\n> a\n<a>\n");
  assertStringIncludes(
    stderr,
    "Taken away: a (0 turns left)\nThere is nothing",
  );
  assertEquals(asked[3]?.map(({ content }) => content), ["a", "<a>", "d"]);
});

Deno.test("repl() shows the conversation", async () => {
  const { stderr } = await chat(["/history", '"""a\nb"""', "/history"], {
    system: "be nice",
  });
  const shown = "system: be nice\nNothing was said yet.\n";
  assertStringIncludes(stderr, shown);
  assertStringIncludes(stderr, "system: be nice\n> a\n... b\n<a\nb>\n");
});

Deno.test("repl() saves a conversation and goes on with it", async () => {
  const home = await Deno.makeTempDir();
  try {
    const path = `${home}/chats/dog.json`;
    const first = await chat([
      ...["/load", "/save dog", "a", "/set top-k 3", "/save dog", "b", "/save"],
      ...["/clear", "/save dog", "c", "/save dog", "/save --force dog"],
      ...["/load nope", "/save --what x", "/save", "/load"],
    ], { home, system: "be nice" });
    const wanted = [
      "No conversation was saved yet; /save keeps this one.",
      "There is nothing to save yet.",
      "top-k 3",
      `Saved 1 turn to ${path}`,
      `Saved 2 turns to ${path}`,
      "A new conversation begins.",
      "There is nothing to save yet.",
      `error: Cannot save to ${path}: it is there already, wanted another name, or /save --force`,
      `Saved 1 turn to ${path}`,
      `error: Cannot load ${home}/chats/nope.json: there is no such file; /load lists what was saved`,
      "error: /save is given --what, wanted --force, --kv or a name",
      `Saved 1 turn to ${path}`,
      "  dog",
    ];
    assertEquals(first.stderr.trimEnd().split("\n"), wanted);
    const other = `${home}/elsewhere/dog`;
    const second = await chat([
      ...["x", "/load dog", "d", `/save ${other}`, "/system", "/set top-k"],
    ], { home });
    assertStringIncludes(second.stderr, "Loaded 1 turn, in place of 1 turn.\n");
    assertStringIncludes(second.stderr, "Last answer: <c>\n");
    assertStringIncludes(second.stderr, `Saved 2 turns to ${other}\n`);
    assertStringIncludes(second.stderr, "System message: be nice\n");
    if (Deno.build.os !== "windows") {
      // Wherever it lies, only its owner may read what was said.
      assertEquals((await Deno.stat(other)).mode! & 0o777, 0o600);
    }
    assertEquals(second.options[1]?.topK, 3);
    assertEquals(second.asked[1]?.map(({ content }) => content), [
      ...["be nice", "c", "<c>", "d"],
    ]);
    const bare = await chat(["a", "/save dog"]);
    assertStringIncludes(bare.stderr, "error: Cannot find a folder for dog");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("repl() goes on with another model", async () => {
  const other = fakeEngine();
  const models: ModelSwitch = {
    current: "here",
    engine: fakeEngine(),
    change: (name) =>
      name === "there"
        ? Promise.resolve(other)
        : Promise.reject(new Error(`Cannot open ${name}: it is not here`)),
    names: () => Promise.resolve([]),
  };
  const lines = ["a", "/model", "/model gone", "/model there", "b"];
  const { stdout, stderr } = await chat(lines, { models });
  assertEquals(stdout, "<a>\n<b>\n");
  assertEquals(stderr.split("\n"), [
    "fake on no GPU, opened from here",
    "error: Cannot open gone: it is not here",
    "fake on no GPU answers now; it knows the conversation (1 turn)",
    "",
  ]);
  assertEquals(other.asked[0]?.map(({ content }) => content), [
    "a",
    "<a>",
    "b",
  ]);
});
