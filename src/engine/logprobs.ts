import { largest } from "./largest.ts";
import { logSumExp } from "./log_sum_exp.ts";

/** A token and the natural logarithm of its probability. */
export interface TokenLogprob {
  /** The token. */
  id: number;
  /** ln p under the model's own distribution. */
  logprob: number;
}

/**
 * Log-probabilities under the model's own distribution: the log-softmax of the
 * raw logits, whatever sampler picked the token.
 *
 * @param logits (vocabSize), untouched by penalties.
 * @param id The token that was picked.
 * @param topCount How many of the most probable tokens to list.
 * @returns The token's log-probability, and the most probable tokens.
 */
export function logprobs(
  logits: Float32Array,
  id: number,
  topCount: number,
): { logprob: number; top: TokenLogprob[] } {
  const normalizer = logSumExp(logits);
  const ids = new Uint32Array(Math.min(topCount, logits.length));
  largest(logits, ids.length, ids);
  return {
    logprob: logits[id]! - normalizer,
    top: Array.from(
      ids,
      (top) => ({ id: top, logprob: logits[top]! - normalizer }),
    ),
  };
}
