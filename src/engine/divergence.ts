/** How far a model's predictions are from those of another. */

import type { ForetoldToken } from "./perplexity.ts";

/** How far predictions are from those of a reference. */
export interface Divergence {
  /**
   * Mean Kullback-Leibler divergence, in nats: the sum of p ln(p / q) over the
   * vocabulary, with p the reference's probabilities and q the model's.
   */
  readonly kl: number;
  /** Share of tokens for which both hold the same one for the most probable. */
  readonly topAgreement: number;
  /** How many tokens were compared. */
  readonly tokenCount: number;
}

/** Log-probabilities of a reference, and what others are compared with them. */
export class ReferenceLogits {
  readonly #limit: number;
  /** (vocabSize) log-probabilities of each token, and its most probable id. */
  readonly #rows: { logProbabilities: Float32Array; top: number }[] = [];
  #byteLength = 0;

  /**
   * Makes an empty one.
   *
   * @param byteLimit How much memory it may take, at most. What does not fit is
   * not compared.
   */
  constructor(byteLimit: number) {
    this.#limit = byteLimit;
  }

  /**
   * Keeps the next token of the reference, if there is room.
   *
   * @param foretold What the reference thought.
   */
  add({ logits, normalizer }: ForetoldToken): void {
    const byteLength = this.#byteLength + logits.byteLength;
    if (byteLength > this.#limit) return;
    this.#byteLength = byteLength;
    const logProbabilities = logits.map((logit) => logit - normalizer);
    this.#rows.push({ logProbabilities, top: topOf(logits) });
  }

  /**
   * Begins to compare another model on the same tokens.
   *
   * @returns What hears of its tokens, in the same order, and sums up; `null` if
   * nothing was compared.
   */
  compare(): {
    add(foretold: ForetoldToken): void;
    result(): Divergence | null;
  } {
    let sum = 0;
    let agreeing = 0;
    let tokenCount = 0;
    return {
      add: ({ logits, normalizer }) => {
        const row = this.#rows[tokenCount];
        if (row === undefined) return;
        tokenCount++;
        const { logProbabilities } = row;
        for (let id = 0; id < logits.length; id++) {
          const logP = logProbabilities[id]!;
          sum += Math.exp(logP) * (logP - (logits[id]! - normalizer));
        }
        if (topOf(logits) === row.top) agreeing++;
      },
      result: () =>
        tokenCount === 0 ? null : {
          kl: sum / tokenCount,
          topAgreement: agreeing / tokenCount,
          tokenCount,
        },
    };
  }
}

/** The most probable id; the first of several. */
function topOf(logits: Float32Array): number {
  let top = 0;
  for (let id = 1; id < logits.length; id++) {
    if (logits[id]! > logits[top]!) top = id;
  }
  return top;
}
