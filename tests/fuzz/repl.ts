/** What is typed into a chat: lines of a pipe, and keys of a terminal. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { fakeEngine, fakeProcess } from "../../src/cli/_fake_engine.ts";
import { editorView, NO_VIEW, redraw } from "../../src/cli/chat/editor_view.ts";
import { KeyReader } from "../../src/cli/chat/keys.ts";
import { EMPTY, press } from "../../src/cli/chat/line_editor.ts";
import { repl } from "../../src/cli/chat/repl.ts";
import { describeError } from "../../src/cli/describe_error.ts";
import { mutatedBytes } from "./_mutated_bytes.ts";
import { assertClear } from "./_outcome.ts";
import type { Target } from "./_target.ts";

const LINES = [
  ...["Hello", "/help", "/save a", "/save --force --kv a", "/load a", "/load"],
  ...["/set temperature 0.5", "/set", "/set temperature x", "/set seed 1e999"],
  ...["/set stop a", "/set topK -1", "/system be kind", "/system", "/undo"],
  ...["/regen", "/history", "/clear", "/stats", "/model x", "/model", "/hlep"],
  ...['"""', '"""a"""', "/save ../../x", "/save /etc/x", "/load /etc/passwd"],
  ...[
    "/save --bogus",
    "/",
    "//",
    "/ x",
    "\x1b[2J",
    "/save \x1b[2J",
    "/é",
    "🙂",
  ],
  ...["/load ~/x", "/save " + "x".repeat(5000), "y".repeat(300)],
];

const encode = (text: string) => new TextEncoder().encode(text);

/** `repl()` at the end of a pipe */
export const REPL: Target<Uint8Array<ArrayBuffer>> = {
  name: "repl",
  cases: 50,
  inputs: fc.oneof(
    fc.array(fc.constantFrom(...LINES), { maxLength: 8 })
      .map((lines) => encode(lines.join("\n") + "\n")),
    mutatedBytes(LINES.map((line) => encode(`Hi\n${line}\n/exit\n`))),
  ),
  async feed(bytes, { path }) {
    const engine = fakeEngine({ contextLength: 1000 });
    const process = fakeProcess(engine, { input: new Blob([bytes]).stream() });
    const code = await repl({
      engine,
      io: process.io,
      interrupts: process.interrupts,
      generate: {},
      showsStats: false,
      describe: (error) => describeError(error, false),
      home: path,
    });
    assert(code === 0 || code === 1, `code ${code}`);
    const errors = process.stderr.split("\n")
      .filter((line) => line.startsWith("error: "))
      .map((line) => line.slice("error: ".length));
    for (const error of errors) assertClear(error, /^\S/);
    return errors.length === 0 ? "accepted" : "refused";
  },
};

const KEYS = [
  ...[
    "a",
    "b c",
    "é",
    "🙂",
    "👨‍👩‍👧",
    "\t",
    "\r",
    "\n",
    "\x7f",
    "\x01",
    "\x02",
    "\x05",
  ],
  ...["\x06", "\x0b", "\x0c", "\x0e", "\x10", "\x12", "\x15", "\x17", "\x19"],
  ...[
    "\x1b",
    "\x1b[A",
    "\x1b[B",
    "\x1b[C",
    "\x1b[D",
    "\x1b[3~",
    "\x1bb",
    "\x1bf",
  ],
  ...["\x1b[200~", "pasted\nlines", "\x1b[201~", "\x1b[1;5C", "\x1b[999;999R"],
  ...[
    "\x04",
    "\x03",
    "\x07",
    "\\",
    '"""',
    "\x1bO",
    "\x1b[",
    "漢",
    "\u0301",
    "\u200d",
  ],
];

/** Keys as bytes, and the room of a terminal. */
interface Typed {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly cuts: number;
  readonly columns: number;
  readonly rows: number;
}

/** `KeyReader`, `press()`, `editorView()` and `redraw()` */
export const LINE_EDITOR: Target<Typed> = {
  name: "line editor",
  cases: 500,
  inputs: fc.record({
    bytes: fc.oneof(
      fc.array(fc.constantFrom(...KEYS), { maxLength: 30 })
        .map((keys) => encode(keys.join(""))),
      mutatedBytes([encode(KEYS.join("")), encode("hello world\x1b[D\x17\r")]),
    ),
    cuts: fc.integer({ min: 1, max: 40 }),
    columns: fc.constantFrom(80, 20, 8, 1, 0, 1000),
    rows: fc.constantFrom(24, 3, 1, 0),
  }),
  feed({ bytes, cuts, columns, rows }) {
    const history = ["earlier", "two\nlines", "🙂🙂🙂"];
    const reader = new KeyReader();
    const decoder = new TextDecoder();
    let state = EMPTY;
    let shown = NO_VIEW;
    for (let at = 0; at < bytes.length; at += cuts) {
      const piece = bytes.subarray(at, at + cuts);
      for (const key of reader.push(decoder.decode(piece, { stream: true }))) {
        state = press(state, key, history).state;
        const { text, cursor } = state;
        assert(cursor >= 0 && cursor <= text.length, `cursor ${cursor}`);
        assert(text.isWellFormed(), "half a character");
        const view = editorView(state, { columns, rows }, history);
        assert(view.row >= 0 && view.row < view.rows.length, `row ${view.row}`);
        assert(view.column >= 0, `column ${view.column}`);
        assert(redraw(shown, view).isWellFormed(), "half a character is drawn");
        shown = view;
      }
    }
    return "accepted";
  },
};
