/** One repetition of a benchmark: a prompt, and tokens after it. */

import {
  differenceOf,
  type OffloadRecord,
  type OffloadStats,
} from "../offload/offload_stats.ts";
import { generate } from "./generate.ts";
import { inspectionOf } from "./non_finite_error.ts";
import { resolveOptions } from "./options.ts";
import { Sequence, type TokenModel } from "./sequence.ts";

/** What is measured: what `Mixtral` has of it. */
export interface MeasuredModel extends TokenModel {
  /** What offloading counted; `null` if all experts are on the GPU. */
  readonly offloadStats: OffloadStats | null;
  /** Milliseconds spent waiting for the GPU so far. */
  readonly waitMs: number;
  /** As in `TokenModel`; `told` are the ids to run instead of those it picks. */
  pickAhead?(
    id: number,
    where: { position: number; count: number; told?: readonly number[] },
  ): Promise<number[]>;
}

/** What to run. */
export interface RunOptions {
  /** The ids of the prompt. */
  readonly prompt: readonly number[];
  /** How many tokens to run after it, one by one. */
  readonly tokenCount: number;
  /** Ends it early when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** What a repetition gave. */
export interface Repetition {
  /** Tokens of the prompt a second. */
  readonly promptTokensPerSecond: number;
  /** Tokens after it a second. */
  readonly tokensPerSecond: number;
  /** Milliseconds that the tokens after it waited for the GPU. */
  readonly waitMs: number;
  /** What offloading did for them; `null` if all experts are on the GPU. */
  readonly offload: OffloadRecord | null;
  /** Their ids. */
  readonly ids: readonly number[];
}

/**
 * Runs a prompt from a clean start, then tokens after it, with the token loop
 * that `Engine.generate()` has: what it times is what a user gets, picking the
 * most probable token included, making text of it excluded. The cache of
 * experts stays as the run before left it.
 *
 * @param model The model.
 * @param options What to run.
 * @returns What was measured; `null` if it was aborted.
 */
export async function runOnce(
  model: MeasuredModel,
  { prompt, tokenCount, signal }: RunOptions,
): Promise<Repetition | null> {
  const sequence = new Sequence(model, NO_TEXT);
  const settings = resolveOptions({
    temperature: 0,
    repetitionPenalty: 1,
    maxTokens: tokenCount + 1, // the last one is picked, but not run
    ignoreEos: true,
    seed: 0,
    signal,
  }, {});
  let start: Counters | undefined;
  for await (const { final } of generate(sequence, prompt, settings)) {
    start ??= countersOf(model); // the first token is picked, none is run
    if (final === undefined) continue;
    if (final.finishReason === "cancelled") return null;
    const end = countersOf(model);
    return {
      promptTokensPerSecond: final.prefillTokensPerSecond!,
      tokensPerSecond: final.decodeTokensPerSecond!,
      waitMs: end.waitMs - start.waitMs,
      offload: end.offload && differenceOf(end.offload, start.offload!),
      ids: final.ids.slice(0, tokenCount),
    };
  }
  return null;
}

/** What grows while a model runs. */
interface Counters {
  readonly offload: OffloadRecord | null;
  readonly waitMs: number;
}

function countersOf({ offloadStats, waitMs }: MeasuredModel): Counters {
  return { offload: offloadStats?.snapshot() ?? null, waitMs };
}

/** Ids stay ids. */
const NO_TEXT = {
  decoder: () => ({ push: () => "", flush: () => "" }),
  tokenText: () => "",
};

/** More than any logit is, and not infinite. */
const SURE = 3e38;

/**
 * Makes a model say ids in order, whatever its logits are: so a made-up model
 * goes through the trace that it routes by.
 *
 * @param model The model.
 * @param vocabSize Ids of its vocabulary; after the last comes 0.
 * @returns The same model, but after id t comes t + 1.
 */
export function inOrder(
  model: MeasuredModel,
  vocabSize: number,
): MeasuredModel {
  return {
    contextLength: model.contextLength,
    ...model.chunkSize !== undefined && { chunkSize: model.chunkSize },
    get offloadStats() {
      return model.offloadStats;
    },
    get waitMs() {
      return model.waitMs;
    },
    async forward(ids, position) {
      const logits = await model.forward(ids, position);
      logits[(ids.at(-1)! + 1) % vocabSize] = SURE;
      return logits;
    },
    get aheadLimit() {
      return model.aheadLimit ?? 0;
    },
    async pickAhead(id, where) {
      const told = Array.from(
        { length: where.count },
        (_, i) => (id + 1 + i) % vocabSize,
      );
      const picked = await model.pickAhead!(id, { ...where, told });
      return told.slice(0, picked.length); // the GPU picks all the same
    },
    ...inspectionOf(model),
  };
}
