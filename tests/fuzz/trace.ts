/** Traces of routing. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { analyzeTrace } from "../../src/analysis/trace_report.ts";
import { traceSvg } from "../../src/analysis/trace_svg.ts";
import {
  FAR_TRACE_MAGIC,
  parseTrace,
  TRACE_MAGIC,
} from "../../src/offload/routing_trace.ts";
import { mutatedBytes } from "./_mutated_bytes.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

const HEADER = {
  ...{ model: "m", layerCount: 3, expertCount: 4, topK: 2, guessCount: 1 },
  farDepths: [2],
};
const NEAR = {
  model: "m",
  layerCount: 2,
  expertCount: 8,
  topK: 2,
  guessCount: 0,
};

/** Bytes of a token that fit the headers: kinds of 0, experts 0 and 1. */
const NEAR_TOKEN = [0, ...[0, 1, 9, 9, 9, 9], ...[2, 7, 9, 9, 9, 9]];
const FAR_LAYER = [0, 1, 2, 255, 9, 9, 9, 9];
const FAR_TOKEN = [1, ...FAR_LAYER, ...FAR_LAYER, ...FAR_LAYER];

const traces = fc.record({
  magic: fc.constantFrom(TRACE_MAGIC, FAR_TRACE_MAGIC),
  header: mutatedJson([HEADER, NEAR], {
    values: [65535, 65534, 255, 1, [2, 3], [1], { length: 5 }],
    hurtsText: false,
  }),
  token: fc.constantFrom(NEAR_TOKEN, FAR_TOKEN, [0]),
  count: fc.constantFrom(4, 2, 1, 0, 40),
}).map(build);

/** Traces of models that are small in bytes and large in numbers. */
const large = fc.record({
  layerCount: fc.constantFrom(1, 2, 3, 17, 1024, 65535),
  expertCount: fc.constantFrom(1, 2, 8, 255, 256, 4096, 65534),
  topK: fc.constantFrom(1, 2, 8, 256, 300),
}).filter(({ layerCount, topK }) => layerCount * topK < 100_000).map(
  (counts) => {
    const idByteLength = counts.expertCount <= 255 ? 1 : 2;
    const ids = Array.from(
      { length: counts.topK },
      (_, id) => idByteLength === 1 ? [id % 256] : [id % 256, id >> 8],
    ).flat();
    const layer = [...ids, ...Array<number>(2 * counts.topK).fill(7)];
    const layers = Array<number[]>(counts.layerCount).fill(layer).flat();
    return build({
      magic: TRACE_MAGIC,
      header: JSON.stringify({ model: "m", ...counts, guessCount: 0 }),
      token: [0, ...layers],
      count: 1,
    });
  },
);

const VALID = [
  { magic: TRACE_MAGIC, header: JSON.stringify(NEAR), token: NEAR_TOKEN },
  { magic: FAR_TRACE_MAGIC, header: JSON.stringify(HEADER), token: FAR_TOKEN },
].map((trace) => build({ ...trace, count: 3 }));

/** `parseTrace()`, and what is made of what it takes. */
export const TRACE: Target<Uint8Array<ArrayBuffer>> = {
  name: "trace",
  cases: 400,
  inputs: fc.oneof(
    { weight: 20, arbitrary: traces },
    { weight: 20, arbitrary: mutatedBytes(VALID) },
    { weight: 1, arbitrary: large },
  ),
  feed: (bytes) =>
    verdictOf(() => {
      const trace = parseTrace(bytes);
      for (const id of trace.experts) assert(id < trace.expertCount, "expert");
      const slotCount = trace.layerCount * trace.topK;
      const report = analyzeTrace(trace, { includePrefill: true, slotCount });
      assert(!/NaN|undefined/.test(JSON.stringify(report)), "NaN");
      const svg = traceSvg(report);
      assert(!/NaN|undefined/.test(svg), "NaN in the picture");
    }),
};

function build(
  { magic, header, token, count }: {
    magic: string;
    header: string;
    token: readonly number[];
    count: number;
  },
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  return Uint8Array.from([
    ...new TextEncoder().encode(magic),
    ...new Uint8Array(Uint32Array.of(text.length).buffer),
    ...text,
    ...Array<readonly number[]>(count).fill(token).flat(),
  ]);
}
