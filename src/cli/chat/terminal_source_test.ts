import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fakeProcess } from "../_fake_engine.ts";
import { PromptHistory } from "./prompt_history.ts";
import { terminalSource } from "./terminal_source.ts";

/** A terminal of strings, and who types. */
async function terminal() {
  const { readable, writable } = new TransformStream<Uint8Array>();
  const process = fakeProcess(undefined, { input: readable, isTerminal: true });
  const { interrupts } = process;
  let listenerCount = 0;
  const calls: { onResize?: () => void; onResume?: () => void } = {};
  const raw: boolean[] = [];
  const source = terminalSource({
    io: process.io,
    interrupts: {
      listen(onInterrupt, options) {
        listenerCount++;
        const listening = interrupts.listen(onInterrupt, options);
        return {
          [Symbol.dispose]: () => {
            listenerCount--;
            listening[Symbol.dispose]();
          },
        };
      },
    },
    terminal: {
      setRaw: (isRaw) => void raw.push(isRaw),
      listen(given) {
        Object.assign(calls, given);
        return { [Symbol.dispose]: () => {} };
      },
    },
    history: await PromptHistory.open(null),
    complete: () => Promise.resolve({ from: 0, candidates: [] }),
  });
  const writer = writable.getWriter();
  return {
    ...{ source, process, calls, raw },
    type: (keys: string) => writer.write(new TextEncoder().encode(keys)),
    hangUp: () => writer.close(),
    listenerCount: () => listenerCount,
  };
}

/** Lets promises have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("terminalSource() never leaves Ctrl-C to the system", async () => {
  const { source, process, type, listenerCount, raw } = await terminal();
  assertEquals(listenerCount(), 1); // before the first prompt
  const first = source.next();
  await type("abc");
  await turn();
  process.interrupt();
  await type("\r");
  assertEquals(await first, { text: "", isFenced: false });
  for (let i = 0; i < 3; i++) {
    process.interrupt(); // between prompts, something else may listen
    assertEquals(listenerCount(), 1);
  }
  const second = source.next();
  process.interrupt();
  await turn();
  assertStringIncludes(process.stderr, "Ctrl-C again or Ctrl-D leaves");
  process.interrupt();
  assertEquals(await second, "interrupted");
  source[Symbol.dispose]();
  assertEquals([listenerCount(), raw.at(-1)], [0, false]);
});

Deno.test("terminalSource() hides what is typed during an answer after Ctrl-Z, too", async () => {
  const { source, calls, raw } = await terminal();
  using _source = source; // an answer runs: nobody waits for a message
  calls.onResume!(); // the shell had the terminal as it likes it
  assertEquals(raw, [true]);
});

Deno.test("terminalSource() shows the whole of a message that it takes", async () => {
  const { source, process, type } = await terminal();
  using _source = source;
  const next = source.next();
  const lines = Array.from({ length: 15 }, (_, i) => `line ${i}`).join("\r");
  await type(`\x1b[200~${lines}\x1b[201~`);
  await turn();
  assert(!process.stderr.includes("line 0")); // there are 10 rows
  await type("\r");
  await next;
  assertStringIncludes(process.stderr, "> line 0\r\n... line 1\r\n");
});

Deno.test("terminalSource() goes on after Ctrl-Z, and ends with its window", async () => {
  const { source, process, calls, type, hangUp, raw } = await terminal();
  using _source = source;
  const next = source.next();
  await type("abc");
  await turn();
  process.stderr = "";
  calls.onResume!();
  await turn();
  assertEquals(raw, [true, true]);
  assertStringIncludes(process.stderr, "\x1b[?2004h\r\x1b[J> abc");
  process.stderr = "";
  calls.onResize!();
  await turn();
  assertStringIncludes(process.stderr, "> abc");
  await hangUp();
  assertEquals(await next, "end");
});
