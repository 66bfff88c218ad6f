/** How well a model foretells a text. */

import { logSumExp } from "./log_sum_exp.ts";
import {
  type PerplexityResult,
  summarizeWindows,
  type WindowResult,
} from "./perplexity_result.ts";
import { textWindows, type WindowOptions } from "./perplexity_windows.ts";

/** What {@linkcode perplexity} needs of an engine. */
export interface LogitsSource {
  /** How many logits a row has. */
  readonly config: { readonly vocabSize: number };
  /**
   * Runs ids from a clean start, and gives the logits (n, vocabSize) of some rows
   * at a time, in order. A model that was loaded with a chunk size of 1 computes
   * them with the kernels of decode, others with those of prefill.
   */
  logitRows(ids: readonly number[]): AsyncIterable<Float32Array>;
}

/** Options for {@linkcode perplexity}. */
export interface PerplexityOptions extends WindowOptions {
  /** The bytes of a token's text, for bits per byte. */
  readonly byteLengthOf?: ((id: number) => number) | undefined;
  /** Hears of windows as they are done. */
  readonly onWindow?: ((window: WindowResult) => void) | undefined;
  /** Hears how far it is, several times within a window. */
  readonly onProgress?: ((progress: PerplexityProgress) => void) | undefined;
  /** Hears the logits of each token that counts; valid during the call. */
  readonly onLogits?: ((foretold: ForetoldToken) => void) | undefined;
  /** Stops within a window; what was done before it is kept. */
  readonly signal?: AbortSignal | undefined;
}

/** How far it is. */
export interface PerplexityProgress {
  /** Tokens that were run. */
  readonly doneTokenCount: number;
  /** Tokens to run, all together. */
  readonly tokenCount: number;
  /** Mean negative log-likelihood up to here, in nats; NaN at the start. */
  readonly nll: number;
}

/** A token that counts, and what the model thought of it. */
export interface ForetoldToken {
  /** The number of its window. */
  readonly window: number;
  /** The token. */
  readonly id: number;
  /** Logits (vocabSize) after the tokens before it. */
  readonly logits: Float32Array;
  /** ln of the sum of e^logit. */
  readonly normalizer: number;
}

/**
 * Computes the perplexity of a text: e to the power of the mean negative
 * log-likelihood of each token given those before it in its window. By default
 * windows have 512 tokens and do not overlap, without any special token: as
 * `models/stories-17m/reference.json` was made with transformers.
 *
 * @param source The engine.
 * @param ids The text, without special tokens.
 * @param options How to cut it into windows, and who hears of it.
 * @returns The perplexity.
 * @throws {RangeError} If the text does not fill a window, or an option is out of
 * range.
 * @throws {DOMException} "AbortError" if it was stopped.
 *
 * @example
 * ```ts
 * import { load, perplexity } from "../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * using engine = await load("models/stories-17m", { contextLength: 32 });
 * const { tokenizer } = engine;
 * const text = await Deno.readTextFile("models/stories-17m/eval_stories.txt");
 * const ids = tokenizer.encode(text.slice(0, 1000), { addSpecialTokens: false });
 * const { perplexity: value, bitsPerByte } = await perplexity(engine, ids, {
 *   windowLength: 32,
 *   windowCount: 2,
 *   byteLengthOf: (id) => tokenizer.bytesOf(id).length,
 * });
 * assert(value < 20 && bitsPerByte! < 2);
 * ```
 */
export async function perplexity(
  source: LogitsSource,
  ids: readonly number[],
  options: PerplexityOptions = {},
): Promise<PerplexityResult> {
  const windows: WindowResult[] = [];
  for await (const window of foretell(source, ids, options)) {
    windows.push(window);
  }
  options.signal?.throwIfAborted();
  return summarizeWindows(windows);
}

/**
 * Runs the windows of a text, one after the other. `summarizeWindows()` makes a
 * perplexity of some or all of them.
 *
 * @param source The engine.
 * @param ids The text, without special tokens.
 * @param options As for {@linkcode perplexity}; `signal` ends it without an error.
 * @returns What each window gave, as soon as it is done.
 * @throws {RangeError} As for {@linkcode perplexity}.
 *
 * @example
 * ```ts
 * import { foretell, load, summarizeWindows, type WindowResult } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = await load("models/stories-17m", { contextLength: 16 });
 * const windows: WindowResult[] = [];
 * const ids = engine.tokenizer.encode("Once upon a time, there was a big dog.");
 * const options = { windowLength: 8, stride: 4 };
 * for await (const window of foretell(engine, ids, options)) windows.push(window);
 * // Seven tokens of the first window, and the last four of each other.
 * const { tokenCount } = summarizeWindows(windows);
 * assertEquals(tokenCount, 7 + 4 * (windows.length - 1));
 * ```
 */
export async function* foretell(
  source: LogitsSource,
  ids: readonly number[],
  options: PerplexityOptions = {},
): AsyncGenerator<WindowResult, void> {
  const { prefixId, byteLengthOf, onWindow, onProgress } = options;
  const windows = textWindows(ids.length, options);
  const count = windows.length;
  const prefix = prefixId === undefined ? [] : [prefixId];
  const done = { nll: 0, tokenCount: 0, runCount: 0 };
  for (const [index, { start, end, countFrom }] of windows.entries()) {
    const run = [...prefix, ...ids.slice(start, end)];
    const counted = run.slice(countFrom);
    const sum = await sumOfNll(source, run, {
      ...options,
      index,
      countFrom,
      onRows(nll, doneCount, rowCount) {
        done.runCount += rowCount;
        onProgress?.({
          doneTokenCount: done.runCount,
          tokenCount: count * run.length, // all are of one length
          nll: (done.nll + nll) / (done.tokenCount + doneCount),
        });
      },
    });
    if (sum === null) return;
    const tokenCount = counted.length;
    done.nll += sum;
    done.tokenCount += tokenCount;
    const byteLength = byteLengthOf === undefined
      ? null
      : counted.reduce((sum, id) => sum + byteLengthOf(id), 0);
    const nll = sum / tokenCount;
    const result = { index, count, start, tokenCount, nll, byteLength };
    onWindow?.(result);
    yield result;
  }
}

/** What hears of a window while it runs. */
interface Listeners extends Pick<PerplexityOptions, "onLogits" | "signal"> {
  readonly index: number;
  /** The first token that counts. */
  readonly countFrom: number;
  /** The sum up to here, of how many tokens, and how many rows just came. */
  readonly onRows: (nll: number, tokenCount: number, rowCount: number) => void;
}

/** Sum of -ln p of the tokens that count; `null` if it was stopped. */
async function sumOfNll(
  source: LogitsSource,
  ids: readonly number[],
  { index, countFrom, onLogits, onRows, signal }: Listeners,
): Promise<number | null> {
  if (signal?.aborted) return null;
  let sum = 0;
  let tokenCount = 0;
  let row = 0;
  const { vocabSize } = source.config;
  for await (const rows of source.logitRows(ids)) {
    const rowCount = rows.length / vocabSize;
    for (let i = 0; i < rowCount; i++, row++) {
      const next = row + 1; // the row foretells the token after it
      if (next < countFrom || next >= ids.length) continue;
      const logits = rows.subarray(i * vocabSize, (i + 1) * vocabSize);
      const normalizer = logSumExp(logits);
      const id = ids[next]!;
      sum += normalizer - logits[id]!;
      tokenCount++;
      onLogits?.({ window: index, id, logits, normalizer });
    }
    onRows(sum, tokenCount, rowCount);
    if (signal?.aborted) return null;
  }
  return sum;
}
