import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fakeEngine, type FakeProcess, fakeProcess } from "./_fake_engine.ts";
import { main } from "./main.ts";

async function run(
  args: string[],
  process: FakeProcess = fakeProcess(fakeEngine()),
) {
  const code = await main(args, process);
  const { stdout, stderr, opened } = process;
  return { code, stdout, stderr, opened };
}

Deno.test("main() shows the help of the program", async () => {
  for (const args of [[], ["help"], ["--help"], ["-h"]]) {
    const { code, stdout, stderr } = await run(args);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "Usage: moeno <command> [flags]");
    assertStringIncludes(stdout, "generate");
  }
});

Deno.test("main() shows the help of a command", async () => {
  const calls = [
    ["chat", "--help"],
    ["help", "chat"],
    ["-h", "chat"],
    ["chat", "-h"],
  ];
  for (const args of calls) {
    const { code, stdout } = await run(args);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "Usage: moeno chat [flags]");
    assertStringIncludes(stdout, "--temperature <t>");
    assertStringIncludes(stdout, "16|8|4|3|2");
  }
});

Deno.test("main() shows the version", async () => {
  for (const args of [["version"], ["--version"], ["-V"]]) {
    const { code, stdout } = await run(args);
    assertEquals(code, 0);
    assert(/^moeno \d+\.\d+\.\d+ \(deno 2\./.test(stdout));
  }
});

Deno.test("main() answers a wrong command line with a sentence and 2", async () => {
  const cases: [string[], string][] = [
    [["chta"], "Unknown command chta; did you mean chat?"],
    [["bogus"], "Unknown command bogus; moeno help lists them"],
    [["help", "bogus"], "Unknown command bogus"],
    [["help", "chat", "x"], "help has 2 commands, wanted one at most"],
    [["version", "x"], 'version takes no argument, received "x"'],
    [["serve", "model"], 'serve takes no argument, received "model"'],
    [["chat", "--tempratur", "1"], "did you mean --temperature?"],
    [["chat", "hello"], 'chat takes no argument, received "hello"'],
    [["generate", "a", "--top-p", "2"], "--top-p is 2, wanted a number from"],
    [["generate", "a", "--raw", "--chat"], "--raw does not go with --chat"],
    [["generate", "a", "--logprobs", "2"], "--logprobs needs --json"],
    [["generate", "a", "--file", "b"], "--file does not go with a prompt"],
    [["bench", "--synthetic", "big"], "wanted one of mixtral-8x7b, tiny"],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr, opened } = await run(args);
    assertEquals([code, stdout, opened], [2, "", []]);
    assertStringIncludes(stderr, message);
    assert(/^error: .*\n$/.test(stderr), stderr);
  }
});

Deno.test("main() answers a failure with a sentence and 1", async () => {
  const args = ["generate", "a", "--model", "/none"];
  const failed = await run(args, fakeProcess());
  assertEquals(failed.code, 1);
  assertEquals(failed.stderr, "error: Cannot open /none: not here\n");
  const debug = await run([...args, "--debug"], fakeProcess());
  assertStringIncludes(debug.stderr, "error: Error: Cannot open /none");
  assertStringIncludes(debug.stderr, "    at ");
});

Deno.test("main() says on a line of its own what fails in the middle of a text", async () => {
  let tokens = 0;
  const engine = fakeEngine({
    onToken() {
      if (++tokens === 2) throw new Error("Cannot go on: the GPU was lost");
    },
  });
  const { code, stdout, stderr } = await run(
    ["generate", "a"],
    fakeProcess(engine),
  );
  assertEquals([code, stdout], [1, "!\n"]);
  assertEquals(stderr, "error: Cannot go on: the GPU was lost\n");
});

Deno.test("main() ends quietly when the reader is gone", async () => {
  const process = fakeProcess(fakeEngine());
  process.io.out = () => {
    throw new Deno.errors.BrokenPipe();
  };
  const { code, stderr } = await run(["generate", "a"], process);
  assertEquals([code, stderr], [141, ""]);
  const chat = fakeProcess(fakeEngine(), { input: "a\nb\n" });
  chat.io.out = process.io.out;
  assertEquals((await run(["chat"], chat)).code, 141);
});

Deno.test("generate continues a prompt from argument, file or stdin", async () => {
  using file = tempFile("Once\r\n");
  const cases: [string[], string, string][] = [
    [["Once"], "ignored", "Once"],
    [["Once", "upon"], "", "Once upon"],
    [["--", "--flag"], "", "--flag"],
    [["--file", file.path], "", "Once"],
    [["-"], "Once\n\n", "Once\n"],
    [["--file", "-"], "Once\n", "Once"],
    [[], "Once 😀\n", "Once 😀"],
  ];
  for (const [args, input, prompt] of cases) {
    const engine = fakeEngine();
    const process = fakeProcess(engine, { input });
    const { code, stdout, stderr } = await run(["generate", ...args], process);
    assertEquals(stdout, "!\n");
    assertStringIncludes(stderr, `# 1 token`);
    assertStringIncludes(stderr, `prompt ${prompt.length} tokens`);
    assertEquals(code, 0);
  }
});

Deno.test("generate wants a prompt and says what is wrong with it", async () => {
  using file = tempFile(Uint8Array.of(0xff));
  const none = await run(
    ["generate"],
    fakeProcess(fakeEngine(), { isTerminal: true }),
  );
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, "There is no prompt: give it as argument");
  const missing = await run(["generate", "--file", "/none"]);
  assertEquals(missing.code, 1);
  assertEquals(
    missing.stderr,
    "error: Cannot read the prompt from /none: there is no such file\n",
  );
  const folder = await run(["generate", "--file", "/"]);
  assertEquals(
    [folder.code, folder.stderr],
    [1, "error: Cannot read the prompt from /: it is a directory\n"],
  );
  const binary = await run(["generate", "-f", file.path]);
  assertEquals(binary.code, 1);
  assertStringIncludes(binary.stderr, `${file.path}: it is not UTF-8`);
});

Deno.test("generate --chat answers the prompt as a message", async () => {
  const engine = fakeEngine();
  const chat = ["generate", "a", "--chat", "--quiet"];
  const { stdout, stderr } = await run(chat, fakeProcess(engine));
  assertEquals([stdout, stderr], ["<a>\n", ""]);
  await run(["generate", "a", "--system", "b"], fakeProcess(engine));
  assertEquals(engine.asked, [
    [{ role: "user", content: "a" }],
    [{ role: "system", content: "b" }, { role: "user", content: "a" }],
  ]);
});

Deno.test("generate --json prints one object", async () => {
  const { code, stdout, stderr } = await run([
    "generate",
    "ab",
    "--json",
    "--logprobs",
    "1",
    "--seed",
    "5",
    "--quiet",
  ]);
  assertEquals([code, stderr], [0, ""]);
  const object = JSON.parse(stdout);
  const { timeToFirstTokenMs, prefillMs, decodeMs, ...rest } = object;
  for (const ms of [timeToFirstTokenMs, prefillMs, decodeMs]) assert(ms >= 0);
  delete rest.prefillTokensPerSecond;
  delete rest.decodeTokensPerSecond;
  const [{ logprob }] = rest.logprobs;
  assertEquals(rest, {
    model: "fake",
    adapter: "no GPU",
    ids: [33],
    text: "!",
    finishReason: "stop",
    contextFull: false,
    seed: 5,
    promptTokens: 2,
    cachedTokens: 0,
    completionTokens: 1,
    logprobs: [{ id: 33, logprob, top: [{ id: 33, text: "!", logprob }] }],
  });
});

Deno.test("generate says on a terminal how far the prompt is read", async () => {
  for (const flags of [[], ["--json"], ["--quiet"]]) {
    const process = fakeProcess(fakeEngine());
    process.io.terminal.err = true;
    await run(["generate", "Once", ...flags], process);
    const isQuiet = flags[0] === "--quiet";
    const shown = process.stderr.split("\r").slice(1, 3);
    const wanted = ["| reading 4 tokens", "/ writing         "];
    assertEquals(shown, isQuiet ? [] : wanted, flags[0]);
    // It is wiped before anything else is written.
    if (!isQuiet) assertStringIncludes(process.stderr, "\r         \r# 1 tok");
  }
});

Deno.test("generate hands the flags to the engine", async () => {
  const engine = fakeEngine();
  const { opened } = await run(
    [
      "generate",
      "a",
      "--model",
      "./dir",
      "--attn-bits",
      "4",
      "--expert-group-size",
      "16",
      "--context",
      "100",
      "--chunk-size",
      "7",
      "--min-p",
      "0.1",
      "--max-tokens",
      "3",
    ],
    fakeProcess(engine),
  );
  const { onProgress: _, onTuning: __, onNotice: ___, ...options } =
    opened[0]!.options;
  assertEquals(opened[0]!.directory, "./dir");
  assertEquals(options, {
    attnBits: 4,
    expertGroupSize: 16,
    contextLength: 100,
    chunkSize: 7,
  });
  const { minP, maxTokens, topK } = engine.options[0]!;
  assertEquals([minP, maxTokens, topK], [0.1, 3, undefined]);
});

Deno.test("generate opens the bundled model wherever it is run", async () => {
  const { opened } = await run(["generate", "a"]);
  const expected = new URL("../../models/", import.meta.url).pathname;
  assert(opened[0]!.directory.startsWith(expected), opened[0]!.directory);
});

Deno.test("generate stops at Ctrl-C with its own exit code", async () => {
  const engine = fakeEngine({ onToken: () => process.interrupt() });
  const process = fakeProcess(engine);
  const { code, stdout } = await run(["generate", "a"], process);
  assertEquals([code, stdout], [130, "\n"]);
});

Deno.test("chat shows where it runs at a terminal only", async () => {
  const piped = fakeProcess(fakeEngine(), { input: "a\n" });
  const { stdout, stderr } = await run(["chat"], piped);
  assertEquals([stdout, stderr], ["<a>\n", ""]);
  const terminal = fakeProcess(fakeEngine(), {
    input: "a\n",
    isTerminal: true,
  });
  const shown = await run(["chat", "--system", "x"], terminal);
  assertEquals(shown.stdout, "<a>\n");
  assertStringIncludes(shown.stderr, "fake on no GPU; /help for help");
  assertStringIncludes(shown.stderr, "# 3 tokens");
});

Deno.test("chat loads in the background where somebody types", async () => {
  for (const isTerminal of [true, false]) {
    const process = fakeProcess(fakeEngine(), { input: "a\n", isTerminal });
    const { opened } = await run(["chat"], process);
    assertEquals(opened[0]!.options.background, isTerminal);
  }
});

function tempFile(data: string | Uint8Array): Disposable & { path: string } {
  const path = Deno.makeTempFileSync({ prefix: "moeno-cli-" });
  Deno.writeFileSync(
    path,
    typeof data === "string" ? new TextEncoder().encode(data) : data,
  );
  return { path, [Symbol.dispose]: () => Deno.removeSync(path) };
}

Deno.test("main() begins a line for an error in the middle of a text", async () => {
  let tokens = 0;
  const onToken = () => {
    if (++tokens > 2) throw new RangeError("Cannot continue: a test");
  };
  const { code, stdout, stderr } = await run(
    ["generate", "--chat", "hello"],
    fakeProcess(fakeEngine({ onToken })),
  );
  assertEquals([code, stderr], [1, "error: Cannot continue: a test\n"]);
  assert(/^.+\n$/.test(stdout), stdout);
});
