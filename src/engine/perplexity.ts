/** How well a model foretells a text. */

/** Options for {@linkcode perplexity}. */
export interface PerplexityOptions {
  /**
   * Tokens of a window. Windows do not overlap and a last, shorter one is left
   * out; each is fed alone, so its first token is never foretold.
   *
   * @default {512}
   */
  readonly windowLength?: number;
  /** Called after each window. */
  readonly onWindow?: (window: WindowResult) => void;
}

/** What one window gave. */
export interface WindowResult {
  /** Its number, from 0. */
  readonly index: number;
  /** How many windows there are. */
  readonly count: number;
  /** Mean negative log-likelihood of its foretold tokens, in nats. */
  readonly nll: number;
}

/** What a text gave. */
export interface PerplexityResult {
  /** exp(nll). */
  readonly perplexity: number;
  /** Mean negative log-likelihood of all foretold tokens, in nats. */
  readonly nll: number;
  /** How many tokens were foretold. */
  readonly tokenCount: number;
}

/** What {@linkcode perplexity} needs of an engine. */
export interface LogitsSource {
  /**
   * Logits (ids.length, vocabSize). A model that was loaded with a chunk size of 1
   * computes them with the kernels of decode, others with those of prefill.
   */
  logits(ids: readonly number[]): Promise<Float32Array>;
}

/**
 * Computes the perplexity of a text: exp of the mean negative log-likelihood of
 * each token given those before it in its window.
 *
 * @param source The engine.
 * @param ids The text, without special tokens.
 * @param options The window.
 * @returns The perplexity.
 * @throws {RangeError} If the text does not fill one window.
 */
export async function perplexity(
  source: LogitsSource,
  ids: readonly number[],
  options: PerplexityOptions = {},
): Promise<PerplexityResult> {
  const { windowLength = 512, onWindow } = options;
  const count = Math.floor(ids.length / windowLength);
  if (count === 0) {
    throw new RangeError(
      `Cannot compute perplexity: the text has ${ids.length} tokens, wanted at least ${windowLength}`,
    );
  }
  let total = 0;
  for (let index = 0; index < count; index++) {
    const start = index * windowLength;
    const window = ids.slice(start, start + windowLength);
    const nll = sumOfNll(await source.logits(window), window);
    total += nll;
    onWindow?.({ index, count, nll: nll / (windowLength - 1) });
  }
  const tokenCount = count * (windowLength - 1);
  const nll = total / tokenCount;
  return { perplexity: Math.exp(nll), nll, tokenCount };
}

/** Sum over t of -ln p(ids[t + 1]), with p the softmax of row t. */
function sumOfNll(logits: Float32Array, ids: readonly number[]): number {
  const width = logits.length / ids.length;
  let sum = 0;
  for (let t = 0; t + 1 < ids.length; t++) {
    const row = logits.subarray(t * width, (t + 1) * width);
    let highest = -Infinity;
    for (const logit of row) if (logit > highest) highest = logit;
    let total = 0;
    for (const logit of row) total += Math.exp(logit - highest);
    sum += highest + Math.log(total) - row[ids[t + 1]!]!;
  }
  return sum;
}
