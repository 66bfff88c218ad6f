// @ts-check

/** @typedef {import("../live/live_event.ts").RatesEvent} RatesEvent */

/** How far back the charts go. */
export const HISTORY_MS = 180_000;

/** Samples further apart are not joined: nobody listened between them. */
const GAP_MS = 3500;

/**
 * A line of a chart: pieces of points between which nothing is missing.
 *
 * @typedef {{ x: number, y: number }[][]} ChartPieces
 */

/** The rates of the last minutes. */
export class RateHistory {
  /** @type {RatesEvent[]} */
  #samples = [];

  /** @param {RatesEvent} rates */
  add(rates) {
    // A server that started again counts from 0.
    if (rates.timeMs < (this.latest?.timeMs ?? 0)) this.#samples = [];
    this.#samples.push(rates);
    const first = rates.timeMs - HISTORY_MS;
    while ((this.#samples[0]?.timeMs ?? first) < first) this.#samples.shift();
  }

  /** @returns {RatesEvent | null} */
  get latest() {
    return this.#samples.at(-1) ?? null;
  }

  /**
   * @param {(rates: RatesEvent) => number | null} valueOf
   * @returns {number} The largest value; 0 if there is none.
   */
  max(valueOf) {
    return this.#samples.reduce((max, s) => Math.max(max, valueOf(s) ?? 0), 0);
  }

  /**
   * @param {(rates: RatesEvent) => number | null} valueOf `null`: no value.
   * @param {number} top The value at y = 1.
   * @returns {ChartPieces} x from 0, three minutes ago, to 1, now; y from 0.
   */
  pieces(valueOf, top) {
    const now = this.latest?.timeMs ?? 0;
    const pieces = /** @type {ChartPieces} */ ([]);
    let before = -Infinity;
    for (const sample of this.#samples) {
      const value = valueOf(sample);
      if (value === null) {
        before = -Infinity;
        continue;
      }
      if (sample.timeMs - before > GAP_MS) pieces.push([]);
      before = sample.timeMs;
      const x = 1 - (now - sample.timeMs) / HISTORY_MS;
      pieces.at(-1)?.push({ x, y: value / top });
    }
    return pieces;
  }
}

/**
 * @param {number} value
 * @returns {number} The next of 1, 2, 5, 10, 20, 50 and so on: where an axis
 *   may end.
 */
export function roundUp(value) {
  if (!(value > 1)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((step) => step * power >= value) ?? 10;
  return step * power;
}
