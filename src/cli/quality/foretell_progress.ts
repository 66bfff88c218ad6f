import type { PerplexityProgress } from "../../engine/perplexity.ts";
import { describeSeconds } from "../describe_progress.ts";

/** Seconds before a rate says anything. */
const RATE_SECONDS = 0.5;

/**
 * Writes how far a text is, what it came to, and how long it still takes.
 *
 * @param progress How far it is.
 * @param seconds How long it has taken so far.
 * @returns Such as `1,536 of 55,296 tokens, perplexity 4.53, 71 tok/s, 12 min 37 s left`.
 */
export function foretellProgress(
  { doneTokenCount, tokenCount, nll }: PerplexityProgress,
  seconds: number,
): string {
  const line = `${count(doneTokenCount)} of ${count(tokenCount)} tokens` +
    (Number.isFinite(nll) ? `, perplexity ${Math.exp(nll).toFixed(2)}` : "");
  if (seconds < RATE_SECONDS || doneTokenCount === 0) return line;
  const rate = doneTokenCount / seconds;
  const left = Math.ceil((tokenCount - doneTokenCount) / rate);
  return `${line}, ${count(Math.floor(rate))} tok/s, ${
    describeSeconds(left)
  } left`;
}

/**
 * Writes a count with a comma before each three digits.
 *
 * @param value A whole number.
 * @returns Such as `55,296`.
 */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
