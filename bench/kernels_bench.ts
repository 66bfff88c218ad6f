/**
 * The matrix kernels at the shapes of the bundled model, for each scheme.
 *
 * deno task bench bench/kernels_bench.ts
 *
 * @module
 */
import { quantize } from "hqq-ts";
import { Gpu } from "../src/gpu/device.ts";
import { linear } from "../src/ops/linear.ts";
import {
  type MatrixLayout,
  matrixLayout,
  type Scheme,
  SCHEMES,
} from "../src/ops/matrix.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers, writeStep } from "../src/ops/step.ts";
import { writeHqqMatrix } from "../src/ops/write_matrix.ts";

/** An attention matrix, an expert's W1, the output matrix. */
const SHAPES = [[256, 256], [384, 256], [4096, 256]] as const;
/** Dispatches of one measurement, so that the read-back does not count. */
const DISPATCHES = 8;

const gpu = await Gpu.open();
const readback = await gpu.readback(16);

for (const tokenCount of [1, 128]) {
  for (const [N, K] of SHAPES) {
    for (const scheme of SCHEMES) {
      const kind = kindOf(scheme);
      const layout = matrixLayout("bench", [N, K], scheme);
      const buffer = gpu.storageBuffer("w", layout.wordCount * 4);
      gpu.upload(buffer, matrixBytes(layout));
      const x = makeRows(gpu, "x", [tokenCount, K]);
      const y = makeRows(gpu, "y", [tokenCount, N]);
      const { step } = makeStepBuffers(gpu, tokenCount);
      const tokens = Array<number>(tokenCount).fill(0);
      const op = await linear(gpu, { matrix: { buffer, layout }, x, y, step });
      Deno.bench(`${DISPATCHES} x ${kind}`, {
        group: `${N} x ${K} by ${tokenCount}`,
      }, async () => {
        const buffers = { step, tokens: x.buffer };
        writeStep(gpu, buffers, { tokens, position: 0, firstRow: 0 });
        const commands = gpu.device.createCommandEncoder();
        const pass = commands.beginComputePass();
        for (let i = 0; i < DISPATCHES; i++) op.encode(pass, tokenCount);
        pass.end();
        await readback.read(commands, y.buffer, 4);
      });
    }
  }
}

function kindOf(scheme: Scheme): string {
  if (scheme.type !== "HQQ") return scheme.type;
  const { bits, axis, scaleGroupSize } = scheme;
  return `u${bits}, ${
    axis === 1 ? "axis 1" : scaleGroupSize === null ? "f32 scales" : "axis 0"
  }`;
}

/** Random weights, since zeros can be faster than real ones. */
function matrixBytes(layout: MatrixLayout): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(layout.wordCount * 4);
  const { N, K, scheme } = layout;
  const weights = Float32Array.from(
    { length: N * K },
    (_, i) => Math.sin(i * i) / 16,
  );
  if (scheme.type !== "HQQ") {
    // Any bits are weights; these are small numbers in all three types.
    new Uint32Array(bytes.buffer).fill(0x3c003c00);
    return bytes;
  }
  const { bits, axis, groupSize, scaleGroupSize } = scheme;
  writeHqqMatrix(
    layout,
    quantize(weights, {
      shape: [N, K],
      bits,
      axis,
      groupSize,
      optimize: false,
      ...(scaleGroupSize === null ? {} : {
        quantScale: { groupSize: scaleGroupSize },
        quantZero: { groupSize: null, channelWise: false },
      }),
    }),
    bytes,
  );
  return bytes;
}
