import { assertEquals, assertStringIncludes } from "@std/assert";
import type { WeightBits } from "../../engine/load_options.ts";
import type { QualityRow } from "../../engine/quality_row.ts";
import { qualityTable, rowLine } from "./quality_table.ts";

function row(
  attnBits: WeightBits,
  expertBits: WeightBits,
  more: Partial<QualityRow> = {},
): QualityRow {
  return {
    attnBits,
    expertBits,
    activations: "float32",
    byteLength: expertBits * 2 ** 20,
    bitsPerWeight: expertBits + 0.5,
    bitsPerExpertWeight: expertBits,
    ...{ perplexity: 4.5253, perplexityError: 0.0412, nll: 1.5, nllError: 0.1 },
    ...{ bitsPerByte: 0.5, tokenCount: 55_188, windowCount: 108 },
    change: { share: 0.02346, shareError: 0.00123 },
    divergence: { kl: 0.01234, topAgreement: 0.9567, tokenCount: 55_188 },
    ...{ loadMs: 1234, timeMs: 5678, tokensPerSecond: 9000, windows: [] },
    ...more,
  };
}

const FIRST = row(16, 16, { change: null, divergence: null });

Deno.test("qualityTable() writes a row for each case, and a table by bits", () => {
  const rows = [FIRST, row(16, 2), row(4, 16), row(4, 2, { perplexity: 5 })];
  assertEquals(
    qualityTable(rows, { title: "it", isMarkdown: true }),
    `it

| attention | experts |     size | bits/weight |     perplexity |         change |     KL | same top | load s | run s |
| --------: | ------: | -------: | ----------: | -------------: | -------------: | -----: | -------: | -----: | ----: |
|    16-bit |  16-bit | 16.0 MiB |       16.50 | 4.5253 ± 0.041 |                |        |          |    1.2 |   5.7 |
|    16-bit |   2-bit |  2.0 MiB |        2.50 | 4.5253 ± 0.041 | +2.35 ± 0.12 % | 0.0123 |   95.7 % |    1.2 |   5.7 |
|     4-bit |  16-bit | 16.0 MiB |       16.50 | 4.5253 ± 0.041 | +2.35 ± 0.12 % | 0.0123 |   95.7 % |    1.2 |   5.7 |
|     4-bit |   2-bit |  2.0 MiB |        2.50 | 5.0000 ± 0.041 | +2.35 ± 0.12 % | 0.0123 |   95.7 % |    1.2 |   5.7 |

Perplexity of 55,188 tokens, ± its standard error over windows.
Size: all weights, with scales and zeros, as they lie in memory.
Change: of perplexity against the first row, ± its error on the same windows.
KL: mean divergence of predictions from the first row's, in nats; same top: how often both have the same most probable token.

Perplexity by bits:

| attention \\ experts | 16-bit | 2-bit |
| ------------------- | -----: | ----: |
| 16-bit              |  4.525 | 4.525 |
| 4-bit               |  4.525 | 5.000 |
`,
  );
});

Deno.test("qualityTable() says nothing of what was not measured", () => {
  const alone = row(4, 4, {
    ...{ change: null, divergence: null },
    ...{ perplexityError: null, windowCount: 1, tokenCount: 511 },
  });
  assertEquals(
    qualityTable([alone], { title: "it", isMarkdown: false }),
    `it

attention  experts     size  bits/weight  perplexity  load s  run s
    4-bit    4-bit  4.0 MiB         4.50      4.5253     1.2    5.7

Perplexity of 511 tokens.
Size: all weights, with scales and zeros, as they lie in memory.
`,
  );
});

Deno.test("qualityTable() tells activations apart, and what part was compared", () => {
  const other = row(4, 4, {
    activations: "int8",
    divergence: { kl: 0, topAgreement: 1, tokenCount: 1000 },
  });
  const table = qualityTable([FIRST, other], {
    title: "it",
    isMarkdown: false,
  });
  const lines = table.split("\n");
  assertEquals(/activations/.test(lines[2]!), true);
  assertEquals(/ int8 /.test(lines[4]!), true);
  assertStringIncludes(table, "(both: the first 1,000 tokens)");
  assertEquals(table.includes("by bits"), false);
});

Deno.test("qualityTable() makes a table by bits of grids only", () => {
  const isByBits = (rows: QualityRow[]) =>
    qualityTable(rows, { title: "it", isMarkdown: true }).includes("by bits");
  assertEquals(isByBits([FIRST, row(4, 4)]), false);
  assertEquals(isByBits([FIRST, row(16, 4), row(4, 16)]), true);
  assertEquals(isByBits([FIRST, row(16, 4)]), false);
});

Deno.test("qualityTable() shows changes that are small", () => {
  const close = row(4, 4, {
    change: { share: 0.000213, shareError: 0.000049 },
    divergence: { kl: 0.0000456, topAgreement: 1, tokenCount: 55_188 },
  });
  const table = qualityTable([FIRST, close], { title: "", isMarkdown: false });
  assertStringIncludes(table, "+0.0213 ± 0.0049 %");
  assertStringIncludes(table, "0.0000456");
});

Deno.test("rowLine() says what a row came to", () => {
  assertEquals(
    rowLine(row(4, 2, { activations: "int8" })),
    "4/2 int8: perplexity 4.5253 ± 0.041 (+2.35 ± 0.12 %), 2.0 MiB, 5.7 s",
  );
});
