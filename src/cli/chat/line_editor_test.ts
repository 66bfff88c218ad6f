import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../engine/random.ts";
import { KeyReader } from "./keys.ts";
import { type EditorState, EMPTY, press } from "./line_editor.ts";

/** Types, and shows the text with `|` where the cursor is, then the effects. */
function type(
  keys: string,
  { history = [], from = EMPTY }: {
    history?: string[];
    from?: EditorState;
  } = {},
): string {
  let state = from;
  const effects: string[] = [];
  for (const key of new KeyReader().push(keys)) {
    const pressed = press(state, key, history);
    state = pressed.state;
    if (pressed.effect) effects.push(pressed.effect);
  }
  const { text, cursor, search } = state;
  const shown = `${text.slice(0, cursor)}|${text.slice(cursor)}`;
  const searching = search ? [`search ${search.query} ${search.entry}`] : [];
  return [shown, ...searching, ...effects].join(" ");
}

const UP = "\x1b[A";
const DOWN = "\x1b[B";
const LEFT = "\x1b[D";
const RIGHT = "\x1b[C";

Deno.test("press() moves and deletes by whole characters", () => {
  assertEquals(type(`aä😀👨‍👩‍👧${LEFT}`), "aä😀|👨‍👩‍👧");
  assertEquals(type(`aä😀👨‍👩‍👧${LEFT}\x7f`), "aä|👨‍👩‍👧");
  assertEquals(type(`e\u0301x${LEFT}\x7f`), "|x");
  assertEquals(type(`ab${LEFT}${LEFT}${LEFT}\x7f\x1b[3~`), "|b");
  assertEquals(type(`ab${RIGHT}\x1b[3~`), "ab|");
  assertEquals(type("ab\x01X\x05Y"), "XabY|");
});

Deno.test("press() deletes words and lines, and gives them back", () => {
  assertEquals(type("one two-three\x17"), "one |");
  assertEquals(type("one two  \x17\x19\x19"), "one two  two  |");
  assertEquals(type("one two\x15"), "|");
  assertEquals(type("one two\x1bb\x0b"), "one |");
  assertEquals(type("one two\x1bb\x1bb\x1bd"), "| two");
  assertEquals(type("a b\x01\x1bf\x1bf\x17"), "a |");
  assertEquals(type("a\x1b\rb\x01\x7f\x0b"), "a|");
  assertEquals(type("a\x1b\rb\x1b[A\x0b\x0b\x0b"), "a|");
});

Deno.test("press() finds words of long texts by reading them once", () => {
  // Reading on from every letter would take an hour.
  const long = "a".repeat(1_000_000);
  assertEquals(type(`${long} b\x17c`), `${long} c|`);
  assertEquals(type(`${long} b\x1bbc`), `${long} c|b`);
});

Deno.test("press() submits, ends, interrupts and completes", () => {
  assertEquals(type("hi\r"), "hi| submit");
  assertEquals(type("\x04"), "| end");
  assertEquals(type("a\x01\x04\x04"), "| end");
  assertEquals(type("ab\x03\t\f"), "ab| interrupt complete clear");
});

Deno.test("press() begins a line after a backslash and within fences", () => {
  assertEquals(type("a\\\rb"), "a\nb|");
  assertEquals(type(`a\\${LEFT}\r`), "a|\\ submit");
  assertEquals(type('"""a\rb\\\r'), '"""a\nb\\\n|');
  assertEquals(type('"""\ra"""\r'), '"""\na"""| submit');
  assertEquals(type('"""\r'), '"""\n|');
  assertEquals(type("\x1b[200~a\rb\x1b[201~\r"), "a\nb| submit");
});

Deno.test("press() moves between lines, then through the history", () => {
  const history = ["new", "two\nlines", "old"];
  assertEquals(type(`x${UP}`, { history }), "new|");
  assertEquals(type(`x${UP}${UP}`, { history }), "two\nlines|");
  assertEquals(type(`x${UP}${UP}${UP}`, { history }), "two|\nlines");
  assertEquals(type(`x${UP.repeat(4)}`, { history }), "old|");
  assertEquals(type(`x${UP.repeat(9)}`, { history }), "old|");
  assertEquals(type(`x${UP.repeat(4)}${DOWN.repeat(9)}`, { history }), "x|");
  assertEquals(type(`ab\x1b\rc${UP}!`), "a!|b\nc");
  assertEquals(type(`ab\x1b\rc${UP}${DOWN}${DOWN}`), "ab\nc|");
  assertEquals(type(DOWN), "|");
});

Deno.test("press() searches the history", () => {
  const history = ["alpha", "beta", "alphabet"];
  assertEquals(type("x\x12", { history }), "x| search  -1");
  assertEquals(type("\x12bet", { history }), "| search bet 1");
  assertEquals(type("\x12bet\x12", { history }), "| search bet 2");
  assertEquals(type("\x12bet\x12\x12", { history }), "| search bet 2");
  assertEquals(type("\x12beta\x7f\x7f\x7f\x7f", { history }), "| search  -1");
  assertEquals(type("\x12q", { history }), "| search q -1");
  assertEquals(type("\x12bet\r", { history }), "beta| submit");
  assertEquals(type(`\x12alp${LEFT}`, { history }), "alph|a");
  assertEquals(type("x\x12bet\x03", { history }), "x|");
  assertEquals(type("x\x12bet\x07", { history }), "x|");
  assertEquals(type(`x\x12alp\x12${UP}${DOWN.repeat(4)}`, { history }), "x|");
});

Deno.test("press() never puts the cursor into a character", () => {
  const texts = ["a", "é", "😀", "👨‍👩‍👧", "日", " ", "-", "\n"];
  const keys = [..."\x01\x05\x7f\x04\x0b\x15\x17\x19", UP, DOWN, LEFT, RIGHT];
  const all = [...texts, ...keys, "\x1bb", "\x1bf", "\x1bd", "\x1b[3~"];
  const seed = 20261126;
  const random = seededRandom(seed);
  let state = EMPTY;
  const reader = new KeyReader();
  for (let i = 0; i < 3000; i++) {
    const typed = all[Math.floor(random() * all.length)]!;
    const keys = typed === "\n" ? reader.push("\x1b\r") : reader.push(typed);
    for (const key of keys) state = press(state, key, ["old"]).state;
    const { text, cursor } = state;
    const isWithin = cursor >= 0 && cursor <= text.length;
    const [before, after] = [text.slice(0, cursor), text.slice(cursor)];
    const isBetween = before.isWellFormed() && after.isWellFormed();
    assert(
      isWithin && isBetween,
      `seed ${seed}, key ${i}: ${cursor} in ${text}`,
    );
  }
});
