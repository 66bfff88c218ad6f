import { assertEquals, assertThrows } from "@std/assert";
import {
  GROUP_SIZES,
  type Part,
  type Quantization,
} from "../model/quantization.ts";
import {
  type QuantizeModelOptions,
  quantizeParts,
} from "./quantize_options.ts";

const FOUR = { bits: 4, ...GROUP_SIZES[4] } as const;
const TWO = { bits: 2, ...GROUP_SIZES[2] } as const;
const FLOATS = { bits: 16, ...GROUP_SIZES[16] } as const;
type Stored = Record<Part, Quantization>;
const PLAIN: Stored = { attn: FLOATS, experts: FLOATS };

Deno.test("quantizeParts() is mixtral-offloading's unless told otherwise", () => {
  assertEquals(quantizeParts({}, PLAIN), { attn: FOUR, experts: TWO });
  assertEquals(
    quantizeParts({ attnBits: 16, expertBits: 4 }, PLAIN),
    { attn: FLOATS, experts: FOUR },
  );
});

Deno.test("quantizeParts() takes group sizes for both parts and for one", () => {
  const { attn, experts } = quantizeParts(
    { groupSize: 32, expertGroupSize: 8, attnScaleGroupSize: 16 },
    PLAIN,
  );
  assertEquals(attn, { ...FOUR, groupSize: 32, scaleGroupSize: 16 });
  assertEquals(experts, { ...TWO, groupSize: 8 });
  assertEquals(
    quantizeParts({ groupSize: 32, attnBits: 16 }, PLAIN).attn,
    FLOATS,
  );
});

Deno.test("quantizeParts() has plain scales along axis 1", () => {
  assertEquals(quantizeParts({ axis: 1, expertBits: 16 }, PLAIN), {
    attn: { bits: 4, axis: 1, groupSize: 64, scaleGroupSize: null },
    experts: FLOATS,
  });
});

Deno.test("quantizeParts() keeps what the source has quantized", () => {
  const stored = { attn: FLOATS, experts: { ...TWO, groupSize: 8 } };
  assertEquals(
    quantizeParts({ attnBits: 4, expertGroupSize: 8 }, stored),
    { attn: FOUR, experts: stored.experts },
  );
});

Deno.test("quantizeParts() says in a sentence what does not go", () => {
  const stored = { attn: FOUR, experts: TWO };
  const cases: [QuantizeModelOptions, Stored, string][] = [
    [
      { attnBits: 5 as 4 },
      PLAIN,
      "attnBits is 5, wanted one of 16, 8, 4, 3, 2",
    ],
    [{ groupSize: 0 }, PLAIN, "groupSize is 0, wanted a positive whole number"],
    [{ axis: 2 as 1 }, PLAIN, "axis is 2, wanted 0 or 1"],
    [{ axis: 1 }, stored, "the attn have axis 1 in the options and 0 in the"],
    [{ workerCount: 1.5 }, PLAIN, "workerCount is 1.5, wanted a positive"],
    [
      { expertBits: 16, expertGroupSize: 64 },
      PLAIN,
      "there is a group size for the experts but they keep 16 bits",
    ],
    [
      { expertGroupSize: 8 },
      stored,
      "the experts have groupSize 8 in the options and 16 in the source",
    ],
  ];
  for (const [options, source, message] of cases) {
    assertThrows(() => quantizeParts(options, source), RangeError, message);
  }
});
