/**
 * The half-quadratic proximal solver: it moves the zeros so that the lp norm,
 * p = 0.7, of the weights' errors falls.
 *
 * Source: Badri and Shaji, "Half-Quadratic Quantization of Large Machine
 * Learning Models", mobiusml.github.io/hqq_blog, 2023;
 * `optimize_weights_proximal` in hqq/core/optimize.py of v0.1.1, called
 * `..._legacy` and still the default later on. Two points on which its versions
 * differ:
 *
 * - `beta` grows by kappa in each iteration. From May 2025 to February 2026 the
 *   repository had lost that line, as if kappa were 1; it shows in groups with
 *   outliers only, whose zeros come out up to about 0.001 apart.
 * - The first error to beat is infinite, as later, where v0.1.1 has 1e4: the
 *   same for weights of any sane size.
 *
 * It runs in float32, which is what the reference does on a CPU; on CUDA the
 * reference runs in float16 and finds somewhat different zeros.
 *
 * @module
 */

/** The norm's p. */
const LP_NORM = 0.7;
/** Weight of the quadratic penalty in the first iteration. */
const BETA = 10;
/** Iterations at most. */
const MAX_ITERATIONS = 20;

/** What the solver has to know of the groups. */
export interface OptimizeZeroOptions {
  /** `1 / scale` of each group: `code = round(w * inverseScale + zero)`. */
  readonly inverseScale: Float32Array;
  /** The zeros to start from. */
  readonly zero: Float32Array;
  /** The largest code. */
  readonly maxCode: number;
  /** Growth of beta from one iteration to the next. @default {1.01} */
  readonly kappa?: number;
}

/**
 * Finds zeros for which fewer weights are far off; scales stay as they are.
 *
 * An iteration quantizes all weights, takes the errors' large part away
 * (`shrink`), and moves each zero to where the rest averages out. It stops when
 * the mean error over all groups no longer falls; as in the reference the zeros
 * have then moved once more, and stay moved.
 *
 * @param groups (groupCount, memberCount): weights, group by group.
 * @param options Inverse scales, first zeros, the largest code and kappa.
 * @returns The zeros, one for each group.
 */
export function optimizeZero(
  groups: Float32Array,
  options: OptimizeZeroOptions,
): Float32Array {
  const { inverseScale, maxCode, kappa = 1.01 } = options;
  const groupCount = options.zero.length;
  const state: State = {
    groups,
    inverseScale,
    maxCode,
    zero: options.zero.slice(),
    errorSum: new Float64Array(groupCount),
    settled: new Uint8Array(groupCount),
    quietBelow: shrinkThreshold(BETA * kappa ** MAX_ITERATIONS),
  };

  let beta = BETA;
  let leastError = Infinity;
  for (let i = 0; i < MAX_ITERATIONS; i++) {
    iterate(state, beta);
    const error = meanError(state);
    if (error >= leastError) break;
    leastError = error;
    beta *= kappa;
  }
  return state.zero;
}

/** What an iteration reads and writes. */
interface State {
  readonly groups: Float32Array; // (groupCount, memberCount)
  readonly inverseScale: Float32Array; // (groupCount)
  readonly maxCode: number;
  readonly zero: Float32Array; // (groupCount)
  /** Sum of |error| over each group. */
  readonly errorSum: Float64Array; // (groupCount)
  /** 1 for groups that no later iteration can change. */
  readonly settled: Uint8Array; // (groupCount)
  /** Errors up to this shrink to 0 in every iteration, the last included. */
  readonly quietBelow: number;
}

/** One iteration over all groups that are not settled. */
function iterate(state: State, beta: number): void {
  const { groups, inverseScale, maxCode, zero, errorSum, settled } = state;
  const groupCount = zero.length;
  const memberCount = groups.length / groupCount;
  const threshold = shrinkThreshold(beta);
  const inverseBeta = Math.fround(1 / beta);

  for (let g = 0; g < groupCount; g++) {
    if (settled[g] === 1) continue;
    const s = inverseScale[g]!;
    const z = zero[g]!;
    let errors = 0;
    let largest = 0;
    let zeros = 0;
    const end = (g + 1) * memberCount;
    for (let i = g * memberCount; i < end; i++) {
      const w = groups[i]!;
      const ws = Math.fround(w * s);
      const code = roundCode(Math.fround(ws + z), maxCode);
      const restored = Math.fround(Math.fround(code - z) / s);
      const error = Math.fround(w - restored);
      const size = Math.abs(error);
      errors += size;
      if (size > largest) largest = size;
      // w - shrink(error) is w itself for all but outliers.
      zeros += size <= threshold ? Math.fround(code - ws) : Math.fround(
        code - Math.fround(Math.fround(w - shrink(error, inverseBeta)) * s),
      );
    }
    const moved = Math.fround(zeros / memberCount);
    // Below the threshold the step does not depend on beta: if it leads nowhere
    // now, it always will.
    if (moved === z && largest <= state.quietBelow) settled[g] = 1;
    zero[g] = moved;
    errorSum[g] = errors;
  }
}

/**
 * Rounds to a code, ties to even, as torch does.
 *
 * @param x `w * inverseScale + zero`.
 * @param maxCode The largest code.
 * @returns A whole number from 0 to `maxCode`.
 */
export function roundCode(x: number, maxCode: number): number {
  const clamped = x < 0 ? 0 : x > maxCode ? maxCode : x;
  // At 2^52 a double has no room for a fraction, and rounds it off to even.
  return (clamped + 2 ** 52) - 2 ** 52;
}

/**
 * The shrinking operator of the lp norm:
 * `sign(x) * max(|x| - |x|^(p - 1) / beta, 0)`.
 */
function shrink(x: number, inverseBeta: number): number {
  const size = Math.abs(x);
  const power = Math.fround(Math.pow(size, LP_NORM - 1));
  const rest = Math.fround(size - Math.fround(inverseBeta * power));
  return rest > 0 ? Math.sign(x) * rest : 0;
}

/**
 * A size up to which `shrink` gives 0 for certain: `|x|^(2 - p) <= 1 / beta`,
 * less a margin for the rounding in `shrink`. It saves nearly every power, and
 * changes no result.
 */
function shrinkThreshold(beta: number): number {
  return (1 / beta) ** (1 / (2 - LP_NORM)) * (1 - 1e-6);
}

/** The mean of |error| over all weights, in float32 like the reference's. */
function meanError(state: State): number {
  let sum = 0;
  for (let g = 0; g < state.errorSum.length; g++) sum += state.errorSum[g]!;
  return Math.fround(sum / state.groups.length);
}
