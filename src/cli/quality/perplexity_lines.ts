import type {
  PerplexityResult,
  WindowResult,
} from "../../engine/perplexity_result.ts";
import { counted } from "../../io/counted.ts";
import { count } from "./foretell_progress.ts";

/**
 * Writes a perplexity for people.
 *
 * @param result The perplexity.
 * @returns Lines, with a line break at the end.
 */
export function perplexityLines(result: PerplexityResult): string {
  const { perplexity, perplexityError, nll, nllError } = result;
  const { bitsPerByte, tokenCount, windowCount } = result;
  const windows = counted(windowCount, "window");
  const rows = [
    ["perplexity", withError(perplexity, perplexityError)],
    ["nll", `${withError(nll, nllError)} nats a token`],
    ...bitsPerByte === null ? [] : [["bits per byte", bitsPerByte.toFixed(4)]],
    ["tokens", `${count(tokenCount)} foretold in ${windows}`],
  ];
  return rows.map(([name, value]) => `${name!.padEnd(15)}${value}\n`).join("");
}

/**
 * Writes what a window gave.
 *
 * @param window The window.
 * @param soFar All windows up to it.
 * @returns A line, without a line break.
 */
export function windowLine(
  { index, count: windowCount, start, nll }: WindowResult,
  soFar: PerplexityResult,
): string {
  const width = String(windowCount).length;
  return `${String(index + 1).padStart(width)} of ${windowCount}, from token ${
    count(start)
  }: ${Math.exp(nll).toFixed(4)}, so far ${soFar.perplexity.toFixed(4)}`;
}

/**
 * Writes a number and its standard error.
 *
 * @param value The number.
 * @param error Its standard error; `null` if there is none.
 * @returns Such as `4.5253 ± 0.0412`.
 */
export function withError(value: number, error: number | null): string {
  return value.toFixed(4) + (error === null ? "" : ` ± ${error.toFixed(4)}`);
}
