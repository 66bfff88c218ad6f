import { assertEquals } from "@std/assert";
import { fakeProcess } from "./_fake_engine.ts";
import { describeReading, spinner } from "./spinner.ts";

Deno.test("describeReading() says how much and how long", () => {
  assertEquals(describeReading(undefined, 5), "thinking");
  assertEquals(describeReading({ done: 0, total: 1 }, 5), "reading 1 token");
  assertEquals(
    describeReading({ done: 512, total: 1234 }, 2999),
    "reading 1,234 tokens, 41 %, 2 s",
  );
  assertEquals(describeReading({ done: 2, total: 2 }, 3000), "writing, 3 s");
});

Deno.test("spinner() wipes its line once, and what it does not show", () => {
  const process = fakeProcess();
  process.io.terminal.err = true;
  const line = spinner(process.io, true);
  line.show({ done: 0, total: 2 });
  line[Symbol.dispose]();
  line[Symbol.dispose]();
  assertEquals(process.stderr, `\r| reading 2 tokens\r${" ".repeat(18)}\r`);
  process.stderr = "";
  const none = spinner(process.io, false);
  none.show({ done: 0, total: 2 });
  none[Symbol.dispose]();
  assertEquals(process.stderr, "");
});
