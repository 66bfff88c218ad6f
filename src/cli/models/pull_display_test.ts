import { assert, assertEquals } from "@std/assert";
import type { Io } from "../io.ts";
import { pullDisplay } from "./pull_display.ts";

/** A display, a clock to turn, and what was written. */
function lab({ isTerminal = false } = {}) {
  const written: string[] = [];
  const io = {
    terminal: {
      ...{ input: false, out: false, err: isTerminal },
      size: () => ({ columns: 80, rows: 24 }),
    },
    err: (text: string) => written.push(text),
  } as unknown as Io;
  let timeMs = 0;
  return {
    display: pullDisplay(io, false, () => timeMs),
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
  const file = { byteLength: 2, sha256: null, gitSha1: null };
  display.onFile({ ...file, path: "x\x9b2J.json" });
  assertEquals(text(), "# x\uFFFD2J.json: 2 bytes\n");
});

Deno.test("pullDisplay() says when nothing comes", async () => {
  const { display, pass, text } = lab({ isTerminal: true });
  using _display = display;
  for (const receivedByteLength of [0, 2 ** 20]) {
    display.onProgress({
      ...{ doneByteLength: receivedByteLength, totalByteLength: 2 ** 21 },
      ...{ receivedByteLength, doneFileCount: 0, fileCount: 1, inWork: [] },
    });
    pass(1000);
  }
  assert(text().endsWith("1.0 MiB/s, 1 s left; 0 of 1 files"), text());
  pass(60_000);
  // Nothing is told; the display looks at its clock by itself.
  const says = "nothing comes; 0 of 1 files";
  for (let i = 0; i < 600 && !text().endsWith(says); i++) {
    pass(1000);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert(text().endsWith(says), text());
});
