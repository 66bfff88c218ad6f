/** What a comparison of `verify` came to. */

/** What is compared with what. */
export type VerifyCheck = "seed" | "cache" | "prefill" | "reference";

/**
 * How it came out: all bits are the same; numbers differ by no more than rounding
 * does; they differ; or it could not be compared here.
 */
export type VerifyVerdict = "same" | "rounding" | "different" | "skipped";

/** A comparison. */
export interface VerifyRow {
  /** What is compared with what. */
  readonly check: VerifyCheck;
  /** What was done: how experts were offloaded, or what was run. */
  readonly what: string;
  /** What it is compared with. */
  readonly against: string;
  /** How it came out. */
  readonly verdict: VerifyVerdict;
  /** How many token ids were compared. */
  readonly idCount: number;
  /** How many positions had all their logits compared. */
  readonly rowCount: number;
  /** The largest difference of two logits; `null` if none were compared. */
  readonly difference: number | null;
  /** As a share of the logits' standard deviation at that position. */
  readonly relativeDifference: number | null;
  /** What rounding may come to; 0 where bits are to be the same. */
  readonly tolerance: number;
  /** Uses of experts by single tokens, where some are not on the GPU. */
  readonly uses?: {
    readonly hits: number;
    readonly misses: number;
    readonly evictions: number;
  };
  /** What else is to be said: where it differs first, why it was skipped. */
  readonly notes: readonly string[];
  /** How the model was loaded, as far as it differs from the user's options. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Two rows of logits, compared. */
export interface LogitsDifference {
  /** The largest difference; NaN if only one of two is a number. */
  readonly absolute: number;
  /** The same as a share of the standard deviation of the expected ones. */
  readonly relative: number;
  /** Where it is. */
  readonly id: number;
  /** Whether the largest logit is that of the same id. */
  readonly isSameBest: boolean;
  /** How far the expected logit of the actual best id is below the best. */
  readonly bestGap: number;
}

/**
 * Compares the logits of a position.
 *
 * @param actual Logits (vocabSize).
 * @param expected What they should be (vocabSize).
 * @returns The largest difference, and whether the best id is the same.
 */
export function compareLogits(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): LogitsDifference {
  let absolute = 0;
  let id = 0;
  let [best, expectedBest] = [0, 0];
  let [sum, squares] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i]!;
    const difference = Math.abs(actual[i]! - value);
    // Not `>`: NaN is the largest difference of all.
    if (!(difference <= absolute) && !Number.isNaN(absolute)) {
      absolute = difference;
      id = i;
    }
    if (actual[i]! > actual[best]!) best = i;
    if (value > expected[expectedBest]!) expectedBest = i;
    sum += value;
    squares += value * value;
  }
  const mean = sum / expected.length;
  const deviation = Math.sqrt(squares / expected.length - mean * mean);
  return {
    absolute,
    relative: absolute === 0 ? 0 : absolute / deviation,
    id,
    isSameBest: best === expectedBest,
    bestGap: expected[expectedBest]! - expected[best]!,
  };
}

/**
 * Tells whether two rows are the same to the bit.
 *
 * @param a Logits.
 * @param b Logits.
 * @returns Whether they are; NaN of the same bits are the same.
 */
export function isSameBits(a: Float32Array, b: Float32Array): boolean {
  const [x, y] = [a, b].map(({ buffer, byteOffset, length }) =>
    new Uint32Array(buffer, byteOffset, length)
  ) as [Uint32Array, Uint32Array];
  return x.length === y.length && x.every((word, i) => word === y[i]);
}
