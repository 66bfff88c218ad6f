import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OffloadStats } from "../../offload/offload_stats.ts";
import { fakeEngine } from "../_fake_engine.ts";
import { chat } from "./_chat.ts";
import type { ModelSwitch } from "./session.ts";

Deno.test("runCommand() answers again with a fresh seed", async () => {
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

Deno.test("runCommand() sets what the flags set", async () => {
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
  ]);
  const { signal: _, onPrefill: _p, ...first } = options[0]!;
  assertEquals(first, {
    temperature: 0.5,
    topK: 3,
    stop: ["b>"],
    ignoreEos: true,
    maxTokens: 5,
  });
  const { signal: __, onPrefill: __p, ...second } = options[1]!;
  assertEquals(second, { topK: 3, stop: ["b>"], maxTokens: 5 });
  assertStringIncludes(stderr, "temperature 0.5\n");
  assertStringIncludes(stderr, "wanted a number of at least 0\n");
  assertStringIncludes(stderr, "did you mean temperature?\n");
  assertStringIncludes(stderr, "seed (default: a fresh one each time)\n");
  assertStringIncludes(stderr, "ignore-eos is maybe, wanted on or off\n");
  assertStringIncludes(stderr, "  top-k 3\n");
  assertStringIncludes(stderr, "  min-p (default: ");
});

Deno.test("runCommand() shows statistics when asked", async () => {
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

Deno.test("runCommand() shows in full what offloading did when asked", async () => {
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

Deno.test("runCommand() helps, and guesses at commands", async () => {
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

Deno.test("runCommand() takes turns away, several times", async () => {
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

Deno.test("runCommand() shows the conversation", async () => {
  const { stderr } = await chat(["/history", '"""a\nb"""', "/history"], {
    system: "be nice",
  });
  const shown = "system: be nice\nNothing was said yet.\n";
  assertStringIncludes(stderr, shown);
  assertStringIncludes(stderr, "system: be nice\n> a\n... b\n<a\nb>\n");
});

Deno.test("runCommand() saves a conversation and goes on with it", async () => {
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

Deno.test("runCommand() goes on with another model", async () => {
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

Deno.test("runCommand() takes stop strings as it shows them", async () => {
  const lines = [
    ...['/set stop "The end"', '/set stop ["a", "b\\n"]', "/set stop 5"],
    ...[
      '/set stop "open',
      '/set stop ""',
      "/set stop [1]",
      "/set stop default",
    ],
  ];
  const { stderr } = await chat(lines);
  assertEquals(stderr.trimEnd().split("\n"), [
    'stop ["The end"]',
    'stop ["a","b\\n"]',
    'stop ["5"]',
    'stop ["\\"open"]',
    'error: --stop is "", wanted at least one character',
    'stop ["[1]"]',
    "stop (default: none)",
  ]);
});

Deno.test("runCommand() does nothing rather than pass over what was typed", async () => {
  const { stderr } = await chat([
    "a",
    "b",
    "/undo 2",
    "/regen shorter",
    "/undo",
  ]);
  assertEquals(stderr.trimEnd().split("\n"), [
    "error: /undo takes nothing, received 2",
    "error: /regen takes nothing, received shorter",
    "Taken away: b (1 turn left)",
  ]);
});

Deno.test("runCommand() shows nothing of a saved chat that a terminal obeys", async () => {
  const home = await Deno.makeTempDir();
  const evil = "a\x1b]52;c;cm0gLXJm\x07\x9b31m\u202eb";
  try {
    await Deno.mkdir(`${home}/chats`);
    const file = {
      ...{ format: "moeno-chat", version: 1, model: evil, system: evil },
      messages: [
        { role: "user", content: evil },
        { role: "assistant", content: evil },
      ],
    };
    await Deno.writeTextFile(`${home}/chats/x.json`, JSON.stringify(file));
    await Deno.writeTextFile(`${home}/chats/${evil}.json`, "");
    const { stderr } = await chat([
      ...["/load", "/load x", "/history", "/system", `/${evil}`, "/undo"],
    ], { home });
    // deno-lint-ignore no-control-regex -- they are what must not be there
    assert(!/[\0-\x09\x0b-\x1f\x7f-\x9f]/.test(stderr), stderr);
    assertEquals(stderr.split("\n").length, 11);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("runCommand() says when a saved chat brings its own settings", async () => {
  const home = await Deno.makeTempDir();
  try {
    const { stderr } = await chat([
      ...["a", "/set top-k 3", "/save x", "/load x"],
      ...["/set top-k 4", "/load x"],
    ], { home });
    const lines = stderr.trimEnd().split("\n").slice(2);
    assertEquals(lines, [
      ...["Loaded 1 turn, in place of 1 turn.", "Last answer: <a>"],
      "top-k 4",
      ...["Loaded 1 turn, in place of 1 turn.", "Last answer: <a>"],
      "Settings are as they were then; /set shows them.",
    ]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
