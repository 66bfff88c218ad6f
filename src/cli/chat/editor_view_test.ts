import { assertEquals } from "@std/assert";
import { Screen } from "../../../tests/_screen.ts";
import { editorView, leave, NO_VIEW, redraw, reflowed } from "./editor_view.ts";
import { EMPTY, insert } from "./line_editor.ts";

const SIZE = { columns: 10, rows: 24 };

function view(text: string, cursor = text.length, size = SIZE) {
  return editorView({ ...insert(EMPTY, text), cursor }, size);
}

Deno.test("editorView() breaks rows where the terminal ends", () => {
  assertEquals(view("abc"), { rows: ["> abc"], row: 0, column: 5 });
  assertEquals(view("abcdefgh"), {
    rows: ["> abcdefgh", ""],
    row: 1,
    column: 0,
  });
  assertEquals(view("abcdefghij", 7), {
    rows: ["> abcdefgh", "ij"],
    row: 0,
    column: 9,
  });
  assertEquals(view("abcdefg日x", 7), {
    rows: ["> abcdefg", "日x"],
    row: 1,
    column: 0,
  });
});

Deno.test("editorView() shows lines and tabs", () => {
  assertEquals(view("a\nb\n"), {
    rows: ["> a", "... b", "... "],
    row: 2,
    column: 4,
  });
  assertEquals(view("a\tb", 2), { rows: ["> a    b"], row: 0, column: 7 });
});

Deno.test("editorView() shows what is around the cursor if rows are few", () => {
  const text = Array.from({ length: 9 }, (_, i) => i).join("\n");
  const size = { columns: 10, rows: 4 };
  assertEquals(view(text, 8, size), {
    rows: ["... 3", "... 4", "... 5"],
    row: 1,
    column: 4,
  });
  assertEquals(view(text, 0, size).rows, ["> 0", "... 1", "... 2"]);
  assertEquals(view(text, text.length, size).rows, ["... 6", "... 7", "... 8"]);
});

Deno.test("editorView() shows what a search found", () => {
  const state = { ...EMPTY, search: { query: "l", entry: 1 } };
  const { rows } = editorView(state, { columns: 40, rows: 9 }, ["x", "old"]);
  assertEquals(rows, ["(search) l: old"]);
});

Deno.test("editorView() shows what Enter sends if a search finds nothing", () => {
  const state = { ...insert(EMPTY, "typed"), cursor: 2 };
  const size = { columns: 40, rows: 9 };
  const search = (query: string) =>
    editorView({ ...state, search: { query, entry: -1 } }, size, ["x"]);
  assertEquals(search("q").rows, ["(no match) q: typed"]);
  assertEquals(search("q").column, "(no match) q: ty".length);
  assertEquals(search("").rows, ["(search) : typed"]);
});

Deno.test("redraw() shows any view in place of any other", () => {
  const texts = [
    "",
    "a",
    "abcdefgh",
    "ab\ncd\n",
    "日".repeat(9),
    "abcdefghijklm",
  ];
  for (const before of texts) {
    for (const text of texts) {
      for (const cursor of [0, text.length >> 1, text.length]) {
        const screen = new Screen(SIZE.columns);
        screen.write("above\r\n");
        const old = view(before);
        screen.write(redraw(NO_VIEW, old));
        const next = view(text, cursor);
        screen.write(redraw(old, next));
        const rows = next.rows.map((row) => row.trimEnd());
        assertEquals(screen.text, ["above", ...rows].join("\n"));
        assertEquals(screen.column, next.column);
        assertEquals(screen.line, rows[next.row]);
        screen.write(leave(next) + "below");
        assertEquals(screen.text.split("\n").at(-1), "below");
      }
    }
  }
});

Deno.test("reflowed() finds the first row after a change of the width", () => {
  for (const columns of [8, 9, 11, 30]) {
    const screen = new Screen(SIZE.columns);
    screen.write("above\r\n");
    const old = view("abcdefghijklmnopqrs\nxyz", 15);
    screen.write(redraw(NO_VIEW, old));
    screen.resize(columns);
    const next = view("abcdefghijklmnopqrs\nxyz", 15, { ...SIZE, columns });
    screen.write(redraw(reflowed(old, columns), next));
    const rows = next.rows.map((row) => row.trimEnd());
    assertEquals(screen.text, ["above", ...rows].join("\n"));
  }
});
