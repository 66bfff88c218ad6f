import { assertEquals } from "@std/assert";
import { tuneTable } from "./tune_table.ts";

Deno.test("tuneTable() marks the default and what is best", () => {
  const table = tuneTable([
    {
      name: "upUnits",
      before: 8,
      best: 4,
      variants: [
        { value: 4, ms: 0.9, noise: 0.0123 },
        { value: 8, ms: 1, noise: 0.01 },
      ],
    },
    {
      name: "downUnits",
      before: 4,
      best: 4,
      variants: [{ value: 4, ms: null, noise: null }],
    },
  ]);
  assertEquals(
    table,
    [
      "what       value     ms  noise %  gain %",
      "upUnits        4  0.900      1.2    10.0  best",
      "               8  1.000      1.0          default",
      "downUnits      4                          default, makes no difference here",
      "",
    ].join("\n"),
  );
});

Deno.test("tuneTable() of nothing is its heading", () => {
  assertEquals(tuneTable([]), "what  value  ms  noise %  gain %\n");
});
