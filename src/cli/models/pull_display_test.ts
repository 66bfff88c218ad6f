import { assertEquals } from "@std/assert";
import type { Io } from "../io.ts";
import { pullDisplay } from "./pull_display.ts";

/** A display without a terminal, a clock to turn, and what was written. */
function lab() {
  const written: string[] = [];
  const io = {
    terminal: { input: false, out: false, err: false },
    err: (text: string) => written.push(text),
  } as unknown as Io;
  let timeMs = 0;
  return {
    display: pullDisplay(io, false, undefined, () => timeMs),
    pass: (ms: number) => timeMs += ms,
    // deno-lint-ignore no-control-regex -- colours, where the terminal has them
    text: () => written.join("").replace(/\x1b\[\d+m/g, ""),
  };
}

Deno.test("pullDisplay() tells once of what all connections suffer", () => {
  const { display, pass, text } = lab();
  const fail = (reason: string) => {
    for (const part of [1, 2]) {
      for (let connection = 0; connection < 8; connection++) {
        const action = `fetch model-${part}`;
        display.onRetry({ action, reason, waitMs: 2000 });
      }
    }
  };
  fail("h cannot be reached");
  pass(5000);
  fail("h cannot be reached");
  fail("h stopped 9 bytes early");
  fail("h stopped 12 bytes early");
  pass(5000);
  fail("h cannot be reached");
  assertEquals(text().split("\n"), [
    "# fetch model-1: h cannot be reached; once more in 2 s",
    "# fetch model-1: h stopped 9 bytes early; once more in 2 s",
    "# fetch model-1: h cannot be reached; once more in 2 s",
    "",
  ]);
});

Deno.test("pullDisplay() names files without a terminal, and tells it nothing", () => {
  const { display, text } = lab();
  display.onFile({ path: "x\x9b2J.json", byteLength: 2, sha256: null });
  assertEquals(text(), "# x\uFFFD2J.json: 2 bytes\n");
});
