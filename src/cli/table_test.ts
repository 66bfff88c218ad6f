import { assertEquals } from "@std/assert";
import { alignedTable, markdownTable } from "./table.ts";

const ROWS = [["name", "ms"], ["a|b", "10.5"], ["c", "7"]];

Deno.test("alignedTable() puts words left and numbers right", () => {
  assertEquals(alignedTable(ROWS, { left: [0] }), [
    "name    ms",
    "a|b   10.5",
    "c        7",
  ]);
});

Deno.test("alignedTable() leaves no space at the end of a line", () => {
  assertEquals(alignedTable([["x", "note"], ["1", ""]], { left: [1] }), [
    " x  note",
    " 1",
  ]);
});

Deno.test("alignedTable() gives wide characters two columns", () => {
  assertEquals(alignedTable([["name", "x"], ["模型", "1"]], { left: [0] }), [
    "name   x",
    "模型   1",
  ]);
});

Deno.test("markdownTable() draws the rule and escapes bars", () => {
  assertEquals(markdownTable(ROWS, { left: [0] }), [
    "| name |   ms |",
    "| ---- | ---: |",
    "| a\\|b | 10.5 |",
    "| c    |    7 |",
  ]);
});
