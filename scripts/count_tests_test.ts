import { assertEquals } from "@std/assert";
import { countRows } from "./count_tests.ts";

Deno.test("countRows() adds up by area, and all areas", () => {
  const lines = [
    { area: "single file", what: "faults injected", number: 3 },
    { area: "fuzz", what: "cases tried", number: 1500 },
    { area: "single file", what: "faults injected", number: 2 },
    { area: "single file", what: "recoveries", number: 4 },
  ];
  const text = lines.map((line) => JSON.stringify(line) + "\n").join("");
  assertEquals(countRows(text), [
    ["area", "cases tried", "faults injected", "recoveries"],
    ["fuzz", "1,500", "0", "0"],
    ["single file", "0", "5", "4"],
    ["all", "1,500", "5", "4"],
  ]);
});
