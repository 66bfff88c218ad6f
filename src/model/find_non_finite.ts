/** Where NaN or infinity began, found by running a step again and looking on. */

import type { Gpu } from "../gpu/device.ts";
import { Recorder } from "../gpu/recorder.ts";
import { firstNonFinite } from "../io/non_finite.ts";
import type { Op, Rows } from "../ops/op.ts";
import { writeStep } from "../ops/step.ts";
import { readLogits } from "./end_step.ts";
import type { MixtralParts } from "./mixtral_parts.ts";

/** Which part of a model first gave something else than numbers, and where. */
export interface NonFinite {
  /** The first position of which it gave that. */
  readonly position: number;
  /** The part of the model. */
  readonly part: "embedding" | "attention" | "router" | "experts" | "lm_head";
  /** The layer; `null` if the part is in none. */
  readonly layer: number | null;
  /** Of experts, which of those that the position goes to. */
  readonly experts: readonly number[];
  /** What it gave; numbers from about 1e19 on have squares that no norm can sum. */
  readonly value: "NaN" | "infinity" | "numbers too large to square";
}

/** A step to run again. */
export interface StepAgain {
  /** Its tokens, at most `chunkSize`. */
  readonly tokens: readonly number[];
  /** Where the first of them stands; what is before it is in the KV cache. */
  readonly position: number;
  /** Which of them had logits that are no numbers. */
  readonly row: number;
}

/** A step on its way, and what has been found. */
interface Inspection extends StepAgain {
  readonly parts: MixtralParts;
  readonly recorder: Recorder;
  found: NonFinite | null;
}

/** Who is to blame for a row of x: a part, its experts, and perhaps another row. */
type Blame = Pick<NonFinite, "part" | "experts"> & { readonly row?: number };

/**
 * Runs a step again and looks at the residual stream after each part of each layer:
 * the first that goes wrong is the one to blame, and its first position. That takes
 * two read-backs a layer, and is for steps whose logits are no numbers.
 *
 * @param gpu The GPU.
 * @param parts The model.
 * @param step The step.
 * @returns Where it began; `null` if all was finite this time.
 */
export async function findNonFinite(
  gpu: Gpu,
  parts: MixtralParts,
  step: StepAgain,
): Promise<NonFinite | null> {
  const { shared: { x, routing, scratch } } = parts;
  const { tokens: { length: T }, position, row } = step;
  const largest = Math.max(
    T * x.stride,
    2 * T * routing.topK,
    T * routing.topK * scratch.y.stride * (T === 1 ? scratch.partCount : 1),
  );
  using readback = await gpu.readback(
    Math.max(parts.readback.byteLength, 4 * largest),
  );
  writeStep(gpu, parts.shared.step, { ...step, firstRow: row });
  const recorder = new Recorder(gpu, readback, { position });
  const inspection = { ...step, parts, recorder, found: null };
  try {
    await inspectLayers(inspection);
  } catch (error) {
    recorder.abandon();
    parts.offload?.reset();
    parts.residency?.reset();
    throw error;
  }
  recorder.run(parts.finalNorm, 1);
  recorder.run(parts.lmHead, 1);
  const { found } = inspection;
  const bad = firstBad(
    await readLogits(recorder, parts, 1),
    parts.vocabSize,
  );
  if (found !== null || bad === null) return found;
  const part = "lm_head";
  const { value } = bad;
  return { position: position + row, layer: null, part, experts: [], value };
}

/** Runs all layers as `Mixtral` does, with a look after each part. */
async function inspectLayers(inspection: Inspection): Promise<void> {
  const { parts: { residency, embed, layers }, recorder } = inspection;
  const T = inspection.tokens.length;
  if (T === 1) residency?.beginTokens(1);
  residency?.beginStep(T);
  const { isDeciding = false, isStaging = false } = residency ?? {};
  const run = (op: Op) => recorder.run(op, T);
  run(embed);
  await look(inspection, null, () => ({ part: "embedding", experts: [] }));
  for (const [i, layer] of layers.entries()) {
    run(layer.inputNorm);
    run(layer.qkv);
    if (isStaging) run(layer.stage);
    run(layer.attention);
    run(layer.o);
    await look(inspection, i, () => blameAttention(inspection, i));
    run(layer.postAttentionNorm);
    run(layer.route);
    await layer.experts.run(recorder, T, isDeciding);
    run(layer.combine);
    await look(inspection, i, (row) => blameExperts(inspection, row));
  }
}

/** Looks at x, until it is wrong. */
async function look(
  inspection: Inspection,
  layer: number | null,
  blame: (row: number) => Blame | Promise<Blame>,
): Promise<void> {
  const { recorder, parts: { shared: { x } }, tokens, position } = inspection;
  if (inspection.found !== null) return;
  const rows = await readRows(recorder, x, tokens.length);
  const bad = firstBad(rows, x.stride) ?? firstLarge(rows, x.stride);
  if (bad === null) return;
  const { value } = bad;
  const { row = bad.row, ...culprit } = await blame(bad.row);
  inspection.found = { position: position + row, layer, value, ...culprit };
}

/**
 * The token whose attention went wrong. If its keys or values are no numbers, so is
 * what tokens before it get that share a tile of a kernel with it: 0 * NaN is NaN.
 */
async function blameAttention(
  { parts: { kv }, position, tokens }: Inspection,
  layer: number,
): Promise<Blame> {
  using reader = await kv.reader(position + tokens.length);
  const rows: number[] = [];
  for (const part of ["k", "v"] as const) {
    const bytes = await reader.read(layer, part);
    const own = bytes.subarray(position * kv.width * 4);
    const at = firstNonFinite(own, "F32");
    if (at >= 0) rows.push(Math.floor(at / kv.width));
  }
  const part = "attention";
  return {
    part,
    experts: [],
    ...rows.length > 0 && { row: Math.min(...rows) },
  };
}

/** The experts of a token that gave no numbers; the router, if its weights are none. */
async function blameExperts(
  { parts, recorder, tokens: { length: T } }: Inspection,
  row: number,
): Promise<Blame> {
  const { routing: { ids, weights, topK }, scratch } = parts.shared;
  const byteLength = 4 * T * topK;
  const bytes = await recorder.read([
    { source: ids, byteLength },
    { source: weights, byteLength },
  ]);
  const chosen = new Uint32Array(bytes, 4 * row * topK, topK);
  const shares = new Float32Array(bytes, byteLength + 4 * row * topK, topK);
  if (!shares.every(Number.isFinite)) return { part: "router", experts: [] };
  // A single token's rows may come in parts, to be summed.
  const partCount = T === 1 ? scratch.partCount : 1;
  const { y } = scratch;
  const values = await readRows(recorder, y, T * topK * partCount);
  const width = partCount * y.stride;
  const experts = [...chosen].filter((_, rank) => {
    const from = (row * topK + rank) * width;
    const own = values.subarray(from, from + width);
    return (firstBad(own, width) ?? firstLarge(own, width)) !== null;
  });
  return { part: "experts", experts };
}

async function readRows(
  recorder: Recorder,
  { buffer: source, stride }: Rows,
  count: number,
): Promise<Float32Array> {
  const slice = { source, byteLength: 4 * count * stride };
  return new Float32Array(await recorder.read([slice]));
}

/** A row of x that is wrong, and what is in it. */
type Bad = Pick<NonFinite, "value"> & { readonly row: number };

/** The first row with something else than numbers. */
function firstBad(values: Float32Array, stride: number): Bad | null {
  const { buffer, byteOffset, byteLength } = values;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const at = firstNonFinite(bytes, "F32");
  if (at < 0) return null;
  const value = Number.isNaN(values[at]) ? "NaN" : "infinity";
  return { row: Math.floor(at / stride), value };
}

/** The first row whose squares have a sum that float32 does not hold. */
function firstLarge(values: Float32Array, stride: number): Bad | null {
  for (let row = 0; row * stride < values.length; row++) {
    let squares = 0;
    for (let i = 0; i < stride; i++) squares += values[row * stride + i]! ** 2;
    if (Math.fround(squares) === Infinity) {
      return { row, value: "numbers too large to square" };
    }
  }
  return null;
}
