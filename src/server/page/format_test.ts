import { assertEquals } from "@std/assert";
import { countOf, formatByteRate, formatRate, formatShare } from "./format.js";

Deno.test("formatRate() and formatShare() keep three digits", () => {
  assertEquals(
    [0, 0.416, 7.309, 48.23, 128.4, 1204].map(formatRate),
    ["0", "0.42", "7.31", "48.2", "128", "1,204"],
  );
  assertEquals(
    [null, 0, 0.8314, 1].map(formatShare),
    ["–", "0 %", "83.1 %", "100 %"],
  );
});

Deno.test("formatByteRate() and countOf() take the unit that suits", () => {
  assertEquals(formatByteRate(34.7e9), { value: "34.7", unit: "GB/s" });
  assertEquals(formatByteRate(21.4e6), { value: "21.4", unit: "MB/s" });
  assertEquals(formatByteRate(0), { value: "0", unit: "MB/s" });
  assertEquals([1, 2, 1200].map((n) => countOf(n, "token")), [
    "1 token",
    "2 tokens",
    "1,200 tokens",
  ]);
});
