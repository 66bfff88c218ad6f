/** Experts of a few sizes, for tests. */

import type { HqqScheme } from "../src/ops/matrix.ts";
import type { ExpertShape } from "./_expert_check.ts";

/** The last is for every way of summing and for slots. */
export const FLOAT_SHAPES: readonly ExpertShape[] = [
  { expertCount: 1, topK: 1, hiddenSize: 5, intermediateSize: 3 },
  { expertCount: 3, topK: 3, hiddenSize: 30, intermediateSize: 67 },
  { expertCount: 11, topK: 2, hiddenSize: 66, intermediateSize: 40 },
];

/** The last is for every way of summing and for slots. */
export const HQQ_SHAPES: readonly ExpertShape[] = [
  { expertCount: 3, topK: 1, hiddenSize: 256, intermediateSize: 64 },
  {
    expertCount: 9,
    topK: 3,
    hiddenSize: 36,
    intermediateSize: 60,
    up: { groupSize: 12, scaleGroupSize: 9 }, // pads words of 3 bits,
    down: { groupSize: 12, scaleGroupSize: 18 },
  },
];

/** `lib/strip.wgsl` reads them; the second cuts the inputs of W2 into parts. */
export const STRIP_SHAPES: readonly ExpertShape[] = [
  {
    expertCount: 5,
    topK: 2,
    hiddenSize: 48,
    intermediateSize: 96,
    up: { groupSize: 16, scaleGroupSize: 2 },
    down: { groupSize: 16, scaleGroupSize: 3 },
  },
  {
    expertCount: 2,
    topK: 2,
    hiddenSize: 16,
    intermediateSize: 8192,
    tokenCounts: [1, 33],
    up: { groupSize: 16, scaleGroupSize: 128 },
    down: { groupSize: 16, scaleGroupSize: 128 },
  },
];

/** The first has scales for 16 inputs; the second for 64, and cuts those of W2. */
const AXIS1_STRIP_SHAPES: readonly ExpertShape[] = [
  STRIP_SHAPES[0]!,
  {
    expertCount: 2,
    topK: 2,
    hiddenSize: 64,
    intermediateSize: 64 * 69, // parts of a multiple of 64
    tokenCounts: [1, 33],
    up: { groupSize: 64, scaleGroupSize: 0 },
    down: { groupSize: 64, scaleGroupSize: 0 },
  },
];

/** `lib/strip.wgsl` reads W2; W1 and W3 have more inputs than a workgroup takes. */
export const HALF_STRIP_SHAPE: ExpertShape = {
  expertCount: 2,
  topK: 2,
  hiddenSize: 16_400,
  intermediateSize: 16,
  up: { groupSize: 16, scaleGroupSize: 1025 },
  down: { groupSize: 16, scaleGroupSize: 1025 },
};

/** The shapes that strips of a scheme get. */
export function stripShapesOf({ axis }: HqqScheme): readonly ExpertShape[] {
  return axis === 1 ? AXIS1_STRIP_SHAPES : STRIP_SHAPES;
}
