import { assertEquals, assertStringIncludes } from "@std/assert";
import type { BenchRow } from "../../engine/bench_row.ts";
import { meanDeviation } from "../../engine/mean_deviation.ts";
import { benchTable, slotsOf, speed } from "./bench_table.ts";

const RESIDENT: BenchRow = {
  attnBits: 4,
  expertBits: 2,
  slots: [8, 8],
  expertCount: 8,
  policy: null,
  prefetch: null,
  residency: null,
  stores: null,
  expertByteLength: 66.75e6,
  vramByteLength: 18.44e9,
  promptTokens: 16,
  tokens: 128,
  promptTokensPerSecond: meanDeviation([300, 310]),
  tokensPerSecond: meanDeviation([47.99, 47.99]),
  waitMsPerToken: 20.5,
  hitRate: null,
  missesPerToken: null,
  linkByteLengthPerToken: null,
  hostMsPerToken: null,
  linkGigabytesPerSecond: null,
  vramGigabytesPerSecond: 3012.34,
  activeByteLength: 5.4e9,
  roofline: { linkMs: 0, vramMs: 1.79, tokensPerSecond: 557.89 },
  rooflineShare: 0.08609,
  offload: null,
};
const OFFLOADED: BenchRow = {
  ...RESIDENT,
  slots: [5, 5],
  policy: "lru",
  prefetch: "off",
  residency: "gpu",
  stores: ["pinned", "disk"],
  tokensPerSecond: meanDeviation([40, 42.5]),
  hitRate: 0.8554,
  missesPerToken: 9.25,
  linkByteLengthPerToken: 617.4e6,
  linkGigabytesPerSecond: 47.6,
  roofline: { linkMs: 12.97, vramMs: 1.79, tokensPerSecond: 77.1 },
  rooflineShare: 0.535,
};

Deno.test("benchTable() aligns a table, and says once what rows have in common", () => {
  const lines = benchTable([RESIDENT, OFFLOADED]).split("\n");
  assertEquals(lines.slice(0, 5), [
    "4-bit attention, 2-bit experts, store pinned+disk, lru, prefetch off, " +
    "residency gpu, prompt of 16, 128 tokens after it, 2 runs, link 47.6 GB/s, VRAM 3012.3 GB/s",
    "",
    " slots  VRAM MB  prompt tok/s       tok/s  hit rate  misses/token  link MB/token" +
    "  GPU wait ms/token  link ms  VRAM ms  roofline tok/s  share %",
    "8 of 8    18440   305.0 ± 7.1  47.9 ± 0.0                                       " +
    "              20.50     0.00     1.79           557.8      8.6",
    "5 of 8    18440   305.0 ± 7.1  41.2 ± 1.8     0.855           9.3          617.4" +
    "              20.50    12.97     1.79            77.1     53.5",
  ]);
  assertStringIncludes(
    lines[6]!,
    "link ms = misses x expert bytes / link rate",
  );
});

Deno.test("benchTable() shows a column for what differs", () => {
  const lfu = { ...OFFLOADED, policy: "lfu", expertBits: 3 };
  const [caption, , header, , row] = benchTable([OFFLOADED, lfu]).split("\n");
  assertEquals(caption!.includes("lru"), false);
  assertEquals(
    header!.trim().split(/\s{2,}/).slice(0, 3),
    ["expert bits", "slots", "policy"],
  );
  assertEquals(row!.trim().split(/\s{2,}/).slice(0, 3), ["3", "5 of 8", "lfu"]);
});

Deno.test("benchTable() says of each row who decided, if it differs", () => {
  const lines = benchTable([
    RESIDENT,
    OFFLOADED,
    { ...OFFLOADED, residency: "cpu" },
  ]).split("\n");
  assertEquals(lines[0]!.includes("residency"), false);
  const cells = lines.slice(2, 6).map((line) => line.slice(0, 17).trim());
  assertEquals(cells.map((text) => text.split(/\s{2,}/)), [
    ["slots", "residency"],
    ["8 of 8"],
    ["5 of 8", "gpu"],
    ["5 of 8", "cpu"],
  ]);
});

Deno.test("benchTable() writes a Markdown table with the machine above it", () => {
  const text = benchTable([RESIDENT, OFFLOADED], {
    title: "a model on a GPU",
    isMarkdown: true,
  });
  const [caption, , header, rule, first, second, blank] = text.split("\n");
  assertEquals(caption!.startsWith("a model on a GPU, 4-bit attention"), true);
  const cells = [header, rule, first, second].map((line) =>
    line!.slice(2, -2).split(" | ").map((cell) => cell.trim())
  );
  assertEquals(new Set(cells.map((row) => row.length)).size, 1);
  assertEquals(cells[0]!.slice(0, 2), ["slots", "VRAM MB"]);
  assertEquals(cells[1]!.every((cell) => /^-+:$/.test(cell)), true);
  assertEquals(cells[3]!.slice(-2), ["77.1", "53.5"]);
  assertEquals(blank, "");
});

Deno.test("speed() never shows more than was measured", () => {
  assertEquals(speed(meanDeviation([99.99])), "99.9");
  assertEquals(speed(meanDeviation([1, 2])), "1.5 ± 0.7");
});

Deno.test("slotsOf() adds slots up where layers differ", () => {
  assertEquals(slotsOf({ ...OFFLOADED, slots: [5, 5, 5] }), "5 of 8");
  assertEquals(slotsOf({ ...OFFLOADED, slots: [5, 4, 4] }), "13 of 3 x 8");
});
