import type { Piece } from "../../engine/generate.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";

/** A token as lists of log-probabilities show it. */
export interface ShownToken {
  /** Its text; a part of a character becomes U+FFFD. */
  readonly token: string;
  /** ln p; a token that cannot come has -9999, since JSON has no infinity. */
  readonly logprob: number;
  /** Its UTF-8. */
  readonly bytes: number[];
}

/** OpenAI's stand-in for ln 0. */
const NEVER = -9999;

/**
 * Shows a token on its own, with the space that a text would lose at its start.
 *
 * @param tokenizer The model's.
 * @param id The token.
 * @param logprob Its ln p.
 * @returns Its text and bytes.
 */
export function showToken(
  tokenizer: Tokenizer,
  id: number,
  logprob: number,
): ShownToken {
  const bytes = tokenizer.bytesOf(id);
  return {
    token: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
    logprob: Math.max(logprob, NEVER),
    bytes: [...bytes],
  };
}

/** A piece of text that has a token with its log-probability. */
export type LikelyPiece = Piece & { id: number; logprob: number };

/**
 * Whether a piece has a token with its log-probability.
 *
 * @param piece The piece.
 * @returns Whether it does.
 */
export function isLikely(piece: Piece): piece is LikelyPiece {
  return piece.id !== null && piece.logprob !== undefined;
}
