/** Logits that are no numbers: noticed, and traced to the layer where it began. */

import { firstNonFinite } from "../io/non_finite.ts";
import type { NonFinite, StepAgain } from "../model/find_non_finite.ts";
import type { TokenModel } from "./sequence.ts";

/** What can run a step again and say where it went wrong: `Mixtral` can. */
export interface Inspected {
  /**
   * The most tokens of a step.
   *
   * @default {Infinity}
   */
  readonly chunkSize?: number;
  /**
   * Runs a step again whose logits are no numbers.
   *
   * @returns The part of the model where it began; `null` if all was finite now.
   */
  findNonFinite?(step: StepAgain): Promise<NonFinite | null>;
}

/** What gives the logits of many positions: `Mixtral` does. */
export interface InspectedRows extends Inspected {
  /** The most tokens of a step. */
  readonly chunkSize: number;
  /** What it is. */
  readonly config: { readonly vocabSize: number };
  /** Rows of logits (some, vocabSize), in order. */
  forwardAll(
    ids: readonly number[],
    position: number,
  ): AsyncIterable<Float32Array<ArrayBuffer>>;
}

/**
 * Takes from a model what a wrapper of it passes on.
 *
 * @param model The model.
 * @returns Its inspection, if it has one.
 */
export function inspectionOf(
  model: Inspected,
): Pick<Inspected, "findNonFinite"> {
  if (model.findNonFinite === undefined) return {};
  return { findNonFinite: (step) => model.findNonFinite!(step) };
}

/**
 * Tells whether a token can be picked by logits, as `argmax.wgsl` sees it: -Infinity
 * is what overflowed downwards, and loses against everything.
 *
 * @param logits (vocabSize)
 * @returns Whether none is NaN or +Infinity.
 */
export function areNumbers(logits: Float32Array): boolean {
  const { buffer, byteOffset, byteLength } = logits;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const first = firstNonFinite(bytes, "F32");
  return first < 0 || logits.subarray(first).every((v) => v < Infinity);
}

/**
 * Makes the error for a step whose logits are no numbers. Runs the step again to
 * name the layer and the experts where it began.
 *
 * @param model The model, its KV cache as the step left it.
 * @param step The step, or several that were run together.
 * @returns The error.
 */
export async function nonFiniteError(
  model: Inspected,
  step: StepAgain,
): Promise<RangeError> {
  if (model.findNonFinite === undefined) return noNumbers();
  try {
    return describe(await findInSteps(model, step));
  } catch (cause) {
    return noNumbers({ cause }); // a lost device, say
  }
}

/**
 * What to throw where logits are no numbers.
 *
 * @param options What it comes from.
 * @returns The error.
 */
export function noNumbers(options?: ErrorOptions): RangeError {
  return new RangeError(
    "Cannot pick a token: the logits hold NaN or infinity, wanted numbers; " +
      "the model's weights are broken or its arithmetic overflowed",
    options,
  );
}

/**
 * Runs ids, and returns the logits of the last one if they are numbers.
 *
 * @param model The model.
 * @param ids Token ids, at least one.
 * @param position Where the first of them stands.
 * @returns The logits (vocabSize).
 * @throws {RangeError} If they are no numbers; it says where that began.
 */
export async function finiteLogits(
  model: Pick<TokenModel, "forward" | keyof Inspected>,
  ids: readonly number[],
  position: number,
): Promise<Float32Array> {
  const logits = await model.forward(ids, position);
  if (logits.every(Number.isFinite)) return logits;
  const row = ids.length - 1;
  throw await nonFiniteError(model, { tokens: ids, position, row });
}

/**
 * Runs ids from a clean start, and yields their logits as long as they are numbers.
 *
 * @param model The model.
 * @param ids Token ids, at least one.
 * @returns Rows of logits (some, vocabSize), in order.
 * @throws {RangeError} If they are no numbers any more; it says where that began.
 */
export async function* finiteRows(
  model: InspectedRows,
  ids: readonly number[],
): AsyncGenerator<Float32Array<ArrayBuffer>, void> {
  const { chunkSize, config: { vocabSize } } = model;
  let done = 0;
  for await (const rows of model.forwardAll(ids, 0)) {
    const first = firstNonFinite(new Uint8Array(rows.buffer), "F32");
    if (first >= 0) {
      const at = done + Math.floor(first / vocabSize);
      const row = at % chunkSize;
      const position = at - row;
      const tokens = ids.slice(position, position + chunkSize);
      throw await nonFiniteError(model, { tokens, position, row });
    }
    done += rows.length / vocabSize;
    yield rows;
  }
}

/** The first of some steps that went wrong. */
async function findInSteps(
  model: Inspected,
  { tokens, position, row }: StepAgain,
): Promise<NonFinite | null> {
  const { chunkSize = Infinity } = model;
  for (let at = 0; at <= row; at += chunkSize) {
    const chunk = tokens.slice(at, at + chunkSize);
    const found = await model.findNonFinite!({
      tokens: chunk,
      position: position + at,
      row: Math.min(row - at, chunk.length - 1),
    });
    if (found !== null) return found;
  }
  return null;
}

function describe(found: NonFinite | null): RangeError {
  if (found === null) {
    const { message } = noNumbers();
    return new RangeError(
      `${message}; run again, the same step gave numbers, which speaks for the latter or for the GPU`,
    );
  }
  const { part, layer, position, experts, value } = found;
  const where = layer !== null
    ? `layer ${layer}'s ${part}`
    : part === "embedding"
    ? "the embedding"
    : part;
  const which = experts.length === 0
    ? ""
    : ` (${experts.length === 1 ? "expert" : "experts"} ${
      experts.join(" and ")
    })`;
  return new RangeError(
    `Cannot continue: ${where} gave ${value} at position ${position}${which}, ` +
      "wanted finite numbers; the model's weights are broken or its arithmetic overflowed",
  );
}
