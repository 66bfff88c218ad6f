/** What windows of a text say together. Numbers only. */

/** What one window gave. */
export interface WindowResult {
  /** Its number, from 0. */
  readonly index: number;
  /** How many windows there are. */
  readonly count: number;
  /** The place of its first token in the text. */
  readonly start: number;
  /** How many of its tokens count. */
  readonly tokenCount: number;
  /** Mean negative log-likelihood of the tokens that count, in nats. */
  readonly nll: number;
  /** Bytes of text that these stand for; `null` if nobody says. */
  readonly byteLength: number | null;
}

/** What a text gave. */
export interface PerplexityResult {
  /** e to the power of `nll`. */
  readonly perplexity: number;
  /**
   * Standard error of `perplexity`, as far as chance in the choice of windows
   * goes: `perplexity` times `nllError`; `null` for a single window.
   */
  readonly perplexityError: number | null;
  /** Mean negative log-likelihood of all tokens that count, in nats. */
  readonly nll: number;
  /**
   * Standard error of `nll`: of a mean of windows, which are taken to be
   * independent of each other; `null` for a single window.
   */
  readonly nllError: number | null;
  /** Bits that a byte of text takes; `null` if nobody says how long tokens are. */
  readonly bitsPerByte: number | null;
  /** How many tokens count. */
  readonly tokenCount: number;
  /** How many windows were run. */
  readonly windowCount: number;
}

/** How a model's results differ from those of another on the same windows. */
export interface PerplexityChange {
  /** Perplexity divided by the other's, less 1. */
  readonly share: number;
  /**
   * Standard error of `share`, window by window: what both find hard does not
   * count; `null` for a single window.
   */
  readonly shareError: number | null;
}

/**
 * Sums up windows.
 *
 * @param windows What they gave, at least one.
 * @returns What the text gave.
 *
 * @example
 * ```ts
 * import { summarizeWindows } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const both = { count: 2, tokenCount: 511, byteLength: null };
 * const { nll, nllError, tokenCount } = summarizeWindows([
 *   { ...both, index: 0, start: 0, nll: 1 },
 *   { ...both, index: 1, start: 512, nll: 2 },
 * ]);
 * assertEquals([nll, nllError, tokenCount], [1.5, 0.5, 1022]);
 * ```
 */
export function summarizeWindows(
  windows: readonly WindowResult[],
): PerplexityResult {
  const { mean: nll, error: nllError } = weightedMean(windows);
  const tokenCount = sum(windows.map(({ tokenCount }) => tokenCount));
  const byteLengths = windows.map(({ byteLength }) => byteLength ?? NaN);
  const byteLength = sum(byteLengths);
  const perplexity = Math.exp(nll);
  return {
    perplexity,
    perplexityError: nllError === null ? null : perplexity * nllError,
    nll,
    nllError,
    bitsPerByte: byteLength > 0
      ? nll * tokenCount / byteLength / Math.LN2
      : null,
    tokenCount,
    windowCount: windows.length,
  };
}

/**
 * Compares what two models gave on the same windows.
 *
 * @param windows Those of one.
 * @param others Those of the other, which come first; more of them do no harm.
 * @returns How the first differs.
 *
 * @example
 * ```ts
 * import { compareWindows } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const window = { index: 0, count: 1, start: 0, tokenCount: 511, byteLength: null };
 * const { share } = compareWindows(
 *   [{ ...window, nll: 1.6 }],
 *   [{ ...window, nll: 1.5 }],
 * );
 * assertEquals(share.toFixed(4), "0.1052"); // 10.52 % more perplexed
 * ```
 */
export function compareWindows(
  windows: readonly WindowResult[],
  others: readonly WindowResult[],
): PerplexityChange {
  const { mean, error } = weightedMean(
    windows.map(({ nll, tokenCount }, i) => ({
      nll: nll - others[i]!.nll,
      tokenCount,
    })),
  );
  return {
    share: Math.expm1(mean),
    shareError: error === null ? null : Math.exp(mean) * error,
  };
}

/**
 * The mean of windows' means, each as often as it has tokens, and its standard
 * error: that of a ratio of sums (Cochran, Sampling Techniques, 2.11), which for
 * windows of one length is their deviation by the root of their number.
 */
function weightedMean(
  windows: readonly { readonly nll: number; readonly tokenCount: number }[],
): { mean: number; error: number | null } {
  const total = sum(windows.map(({ tokenCount }) => tokenCount));
  const mean = sum(windows.map(({ nll, tokenCount }) => nll * tokenCount)) /
    total;
  const n = windows.length;
  if (n < 2) return { mean, error: null };
  const squares = windows
    .map(({ nll, tokenCount }) => (tokenCount * (nll - mean)) ** 2);
  return { mean, error: Math.sqrt(n / (n - 1) * sum(squares)) / total };
}

function sum(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
