import { assertEquals } from "@std/assert";
import { summarizeWindows } from "../../engine/perplexity_result.ts";
import { perplexityLines, windowLine } from "./perplexity_lines.ts";

const WINDOW = { count: 108, tokenCount: 511, byteLength: 2212 };
const FIRST = { ...WINDOW, index: 0, start: 0, nll: 1.5 };
const SECOND = { ...WINDOW, index: 1, start: 512, nll: 1.6 };

Deno.test("perplexityLines() writes what there is", () => {
  assertEquals(
    perplexityLines(summarizeWindows([FIRST, SECOND])),
    `perplexity     4.7115 ± 0.2356
nll            1.5500 ± 0.0500 nats a token
bits per byte  0.5166
tokens         1,022 foretold in 2 windows
`,
  );
  assertEquals(
    perplexityLines(summarizeWindows([{ ...FIRST, byteLength: null }])),
    `perplexity     4.4817
nll            1.5000 nats a token
tokens         511 foretold in 1 window
`,
  );
});

Deno.test("windowLine() says where a window is, and what all came to", () => {
  assertEquals(
    windowLine(SECOND, summarizeWindows([FIRST, SECOND])),
    "  2 of 108, from token 512: 4.9530, so far 4.7115",
  );
});
