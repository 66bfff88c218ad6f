import { assertEquals } from "@std/assert";
import type { Io } from "./io.ts";
import { progressLine } from "./progress.ts";

/** An `Io` that keeps what is written to stderr. */
function fakeIo(
  isTerminal: boolean,
  columns = 80,
): { io: Io; written: string[] } {
  const written: string[] = [];
  const io: Io = {
    out: () => {},
    err: (text) => void written.push(text),
    input: new ReadableStream(),
    terminal: {
      ...{ input: false, out: false, err: isTerminal },
      size: () => ({ columns, rows: 24 }),
    },
  };
  return { io, written };
}

const BYTES = { what: "loading", done: 1, total: 2, totalByteLength: 4e9 };

Deno.test("progressLine() writes over itself, and starts the clock for each thing", () => {
  const { io, written } = fakeIo(true);
  let time = 5000;
  {
    using line = progressLine(io, false, () => time);
    line.show({ what: "pinning", done: 1, total: 3 });
    line.show({ what: "pinning", done: 1, total: 3 }); // the same text
    time = 9000;
    line.show({ ...BYTES, doneByteLength: 0 });
    time = 11_000;
    line.show({ ...BYTES, doneByteLength: 1e9 });
  }
  assertEquals(written, [
    "\rpinning 33 %",
    "\rloading [....................] 0.0 of 4.0 GB",
    "\rloading [#####...............] 1.0 of 4.0 GB, 0.5 GB/s, 6 s left",
    "\r" + " ".repeat(64),
    "\r",
  ]);
});

Deno.test("progressLine() writes nothing without a terminal, if quiet, or after its end", () => {
  for (const [isTerminal, isQuiet] of [[false, false], [true, true]] as const) {
    const { io, written } = fakeIo(isTerminal);
    using line = progressLine(io, isQuiet);
    line.show({ what: "loading", done: 1, total: 2 });
    assertEquals(written, []);
  }
  const { io, written } = fakeIo(true);
  const line = progressLine(io, false);
  line[Symbol.dispose]();
  line.show({ what: "loading", done: 1, total: 2 });
  assertEquals(written, []);
});

Deno.test("progressLine() stays within the row of a narrow terminal", () => {
  const { io, written } = fakeIo(true, 20);
  {
    using line = progressLine(io, false);
    line.show({ ...BYTES, doneByteLength: 1e9 });
    line.write("日本語日本語日本語日本語");
  }
  assertEquals(written, [
    "\rloading [#####.....",
    "\r日本語日本語日本語 ",
    "\r" + " ".repeat(18),
    "\r",
  ]);
});
