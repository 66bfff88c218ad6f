import { clampLogit } from "./clamp_logit.ts";
import type { TokenConstraint } from "./sequence.ts";

/** What changes logits before anything else looks at them. */
export interface ShapedLogitsOptions {
  /** Added to the logits of tokens, by their ids. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** Which tokens may come; `null` if all may. */
  readonly constraint: TokenConstraint | null;
  /** Tokens that end the text. */
  readonly eosIds: readonly number[];
}

/** The logits of a model, as wishes and formats have them. The model's own stay. */
export class ShapedLogits {
  readonly #options: ShapedLogitsOptions;
  // Reused from token to token; (vocabSize), made by the first one.
  #shaped = new Float32Array(0);

  /**
   * Constructs what shapes the logits of one text.
   *
   * @param options What changes them.
   */
  constructor(options: ShapedLogitsOptions) {
    this.#options = options;
  }

  /** Whether logits stay as they are. */
  get isPlain(): boolean {
    const { logitBias, constraint } = this.#options;
    return logitBias.size === 0 && constraint === null;
  }

  /**
   * Shapes the logits of the next token.
   *
   * @param logits The model's (vocabSize).
   * @returns The same, or a copy that is valid until the next call; -Infinity where
   * a token must not come.
   */
  shape(logits: Float32Array): Float32Array {
    if (this.isPlain) return logits;
    if (this.#shaped.length !== logits.length) {
      this.#shaped = new Float32Array(logits.length);
    }
    const { logitBias, constraint, eosIds } = this.#options;
    const shaped = this.#shaped;
    shaped.set(logits);
    for (const [id, bias] of logitBias) {
      const logit = shaped[id]!;
      if (Number.isFinite(logit)) shaped[id] = clampLogit(logit + bias);
    }
    constraint?.forbid(shaped, eosIds);
    return shaped;
  }
}
