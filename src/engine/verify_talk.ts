/** What a model is told, and all that it answers. */

import type { Progress } from "../model/upload.ts";
import { generate } from "./generate.ts";
import { inspectionOf } from "./non_finite_error.ts";
import { resolveOptions } from "./options.ts";
import { Sequence, type TokenModel } from "./sequence.ts";
import {
  compareLogits,
  isSameBits,
  type LogitsDifference,
  type VerifyRow,
} from "./verify_row.ts";

/** All that came out. */
export interface Transcript {
  /** Tokens: drawn by a seed, then the most probable ones. */
  readonly ids: readonly number[];
  /** Logits (vocabSize) of what ran while tokens were drawn, and of a prompt. */
  readonly logits: readonly Float32Array[];
}

/** What to say to it. */
export interface TalkOptions {
  /** Ids. */
  readonly prompt: readonly number[];
  /** How many tokens to generate, half of them drawn. */
  readonly tokenCount: number;
  /** Draws them. */
  readonly seed: number;
  /** Ends it at the next token when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of each token. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * Talks to a model with the token loop that `Engine.generate()` has: a prompt from
 * a clean start and tokens drawn from what it says, so that its routing wanders;
 * then another prompt that shares its beginning, and its most probable tokens,
 * which the GPU may pick by itself.
 *
 * @param model The model.
 * @param options What to say.
 * @returns What it answered.
 * @throws {unknown} The signal's reason, if it was aborted.
 */
export async function talk(
  model: TokenModel,
  { prompt, tokenCount, seed, signal, onProgress }: TalkOptions,
): Promise<Transcript> {
  const ids: number[] = [];
  const logits: Float32Array[] = [];
  const total = tokenCount;
  let done = 0;
  let isDrawing = true;
  const sequence = new Sequence({
    contextLength: model.contextLength,
    ...model.chunkSize !== undefined && { chunkSize: model.chunkSize },
    async forward(tokens, position) {
      const row = await model.forward(tokens, position);
      // Single tokens may be picked ahead next time, and then nobody sees logits.
      if (isDrawing || tokens.length > 1) logits.push(row.slice());
      return row;
    },
    get aheadLimit() {
      return model.aheadLimit ?? 0;
    },
    pickAhead: (id, where) => model.pickAhead!(id, where),
    ...inspectionOf(model),
  }, NO_TEXT);
  const say = async (
    prompt: readonly number[],
    { count, temperature }: { count: number; temperature: number },
  ) => {
    const settings = resolveOptions({
      temperature,
      ...{ topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 },
      maxTokens: count,
      ignoreEos: true,
      seed,
      signal,
    }, {});
    for await (const { final } of generate(sequence, prompt, settings)) {
      if (final) ids.push(...final.ids);
      else onProgress?.({ what: "generating", done: ++done, total });
    }
    signal?.throwIfAborted();
  };
  const drawnCount = Math.ceil(tokenCount / 2);
  await say(prompt, { count: drawnCount, temperature: 1 });
  isDrawing = false;
  // It keeps the first half, and goes on with what it has just said.
  const half = prompt.slice(0, Math.ceil(prompt.length / 2));
  const count = tokenCount - drawnCount;
  await say([...half, ...ids], { count, temperature: 0 });
  return { ids, logits };
}

/** Ids stay ids. */
const NO_TEXT = {
  decoder: () => ({ push: () => "", flush: () => "" }),
  tokenText: () => "",
};

/** What comparing two transcripts came to. */
export type TranscriptDifference = Pick<
  VerifyRow,
  | "verdict"
  | "idCount"
  | "rowCount"
  | "difference"
  | "relativeDifference"
  | "tolerance"
  | "notes"
>;

/**
 * Compares what a model answered, bit for bit.
 *
 * @param actual What it answered.
 * @param expected What it should have answered.
 * @returns Whether it is the same, and where it differs first.
 */
export function compareTranscripts(
  actual: Transcript,
  expected: Transcript,
): TranscriptDifference {
  const notes: string[] = [];
  const firstId = expected.ids.findIndex((id, i) => actual.ids[i] !== id);
  if (firstId >= 0) {
    notes.push(
      `token ${firstId + 1} is ${actual.ids[firstId]}, wanted ${
        expected.ids[firstId]
      }`,
    );
  }
  let largest: LogitsDifference | null = null;
  for (const [i, row] of expected.logits.entries()) {
    const other = actual.logits[i];
    // From another token on there is nothing to compare.
    if (other === undefined || firstId >= 0 && i > firstId) break;
    if (isSameBits(other, row)) continue;
    const difference = compareLogits(other, row);
    if (largest === null) {
      notes.unshift(
        `logits differ from run ${i + 1} on, first by ${
          difference.absolute.toExponential(1)
        }`,
      );
    }
    if (largest === null || !(difference.absolute <= largest.absolute)) {
      largest = difference;
    }
  }
  return {
    verdict: notes.length === 0 ? "same" : "different",
    idCount: expected.ids.length,
    rowCount: expected.logits.length,
    difference: largest?.absolute ?? 0,
    relativeDifference: largest?.relative ?? 0,
    tolerance: 0,
    notes,
  };
}
