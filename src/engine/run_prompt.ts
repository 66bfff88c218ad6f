/** What runs on the model of an engine, among its conversations. */

import { differenceOf } from "../offload/offload_stats.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Conversations } from "./conversations.ts";
import { generate, type GenerateResult, type Piece } from "./generate.ts";
import type { DeviceParts } from "./lasting_model.ts";
import { finiteRows } from "./non_finite_error.ts";
import type { Settings } from "./options.ts";

/** Where it runs. */
export type RunPlace = Pick<DeviceParts, "model"> & {
  readonly conversations: Conversations;
};

/**
 * Generates; the record says what offloading did meanwhile, and all it took.
 *
 * @param place Where.
 * @param ids The prompt.
 * @param settings From `resolveOptions()`.
 * @returns What `generate()` yields.
 */
export async function* runPrompt(
  { model, conversations }: RunPlace,
  ids: readonly number[],
  settings: Settings,
): AsyncGenerator<Piece, void> {
  const start = performance.now();
  await conversations.prepare(ids);
  const preparedMs = performance.now() - start;
  const before = model.offloadStats?.snapshot();
  const { sequence } = conversations;
  for await (const piece of generate(sequence, ids, settings)) {
    const { final } = piece;
    const after = final && model.offloadStats?.snapshot();
    if (before && after) final!.offload = differenceOf(after, before);
    if (final?.timeToFirstTokenMs) final.timeToFirstTokenMs += preparedMs;
    yield piece;
  }
}

/**
 * Computes logits from a clean start.
 *
 * @param place Where.
 * @param ids The ids, which the context holds.
 * @returns Rows of logits (some, vocabSize), in order.
 */
export async function* runLogits(
  { model, conversations }: RunPlace,
  ids: readonly number[],
): AsyncGenerator<Float32Array<ArrayBuffer>, void> {
  await conversations.prepare([]);
  const { sequence } = conversations;
  using _hold = sequence.hold();
  sequence.clear();
  yield* finiteRows(model, ids);
}

/**
 * Makes one array of rows that come one after the other.
 *
 * @param rows The rows.
 * @param length How many numbers there are in all.
 * @returns The numbers, in order.
 */
export async function collectRows(
  rows: AsyncIterable<Float32Array>,
  length: number,
): Promise<Float32Array<ArrayBuffer>> {
  const all = new Float32Array(length);
  let at = 0;
  for await (const some of rows) {
    all.set(some, at);
    at += some.length;
  }
  return all;
}

/**
 * Says what of an answer is worth remembering: its ids, unless the text was cut at a
 * stop string.
 *
 * @param tokenizer The model's.
 * @param result The answer.
 * @returns Its text and ids; `null` if these are not of one another.
 */
export function turnOf(
  tokenizer: Tokenizer,
  { ids, text }: GenerateResult,
): { answer: string; answerIds: readonly number[] } | null {
  const decoded = tokenizer.decode(ids, { skipSpecialTokens: true });
  return decoded === text ? { answer: text, answerIds: ids } : null;
}
