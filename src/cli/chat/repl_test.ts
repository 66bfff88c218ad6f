import { assertEquals, assertStringIncludes } from "@std/assert";
import { fakeEngine, type FakeProcess, fakeProcess } from "../_fake_engine.ts";
import { chat } from "./_chat.ts";
import { repl } from "./repl.ts";

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
  assertStringIncludes(
    stderr,
    "\n/undo takes the last turn away, /clear all.\n",
  );
});

/** Presses Ctrl-C before a token, some times. */
function pressAt(token: number, times = 1) {
  let tokens = 0;
  return (process: FakeProcess) => {
    if (++tokens !== token) return;
    for (let i = 0; i < times; i++) process.interrupt();
  };
}

Deno.test("repl() stops an answer at Ctrl-C and keeps what there is", async () => {
  const onToken = pressAt(3);
  const { code, stdout, asked } = await chat(["abcdef", "b"], { onToken });
  assertEquals(stdout, "<ab\n<b>\n");
  assertEquals(asked[1]?.[1], { role: "assistant", content: "<ab" });
  assertEquals(code, 0);
});

Deno.test("repl() survives a second Ctrl-C while a slow answer stops", async () => {
  const onToken = pressAt(3, 2);
  const { stdout, stderr } = await chat(["abcdef", "b"], { onToken });
  assertEquals(stdout, "<ab\n<b>\n");
  assertEquals(
    stderr,
    "\nThe answer ends with its next token; Ctrl-C once more ends the chat\n",
  );
  const third = await chat(["abcdef"], { onToken: pressAt(3, 3) });
  assertStringIncludes(third.stderr, "error: This Ctrl-C ends the process");
});

Deno.test("repl() forgets a message stopped before its answer", async () => {
  const onToken = pressAt(1);
  const { stdout, asked } = await chat(["a", "b"], { onToken });
  assertEquals(stdout, "\n<b>\n");
  assertEquals(asked[1], [{ role: "user", content: "b" }]);
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

Deno.test("repl() reuses the cache from turn to turn", async () => {
  const { stderr } = await chat(["a", "b"], { showsStats: true });
  const [first, second] = stderr.trim().split("\n");
  assertStringIncludes(first!, "prompt 1 token");
  assertStringIncludes(second!, "prompt 5 tokens (4 cached)"); // a<a>b
});
