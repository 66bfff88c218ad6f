/** How far back a rate looks. */
const WINDOW_MS = 10_000;

/** A rate that follows what has happened lately. */
export class RateMeter {
  readonly #samples: { timeMs: number; byteLength: number }[] = [];

  /**
   * Notes how many bytes have come.
   *
   * @param byteLength Bytes since the beginning.
   * @param timeMs The time in milliseconds.
   */
  note(byteLength: number, timeMs: number): void {
    this.#samples.push({ timeMs, byteLength });
    // One that is older stays, so that a stall shows.
    while (timeMs - (this.#samples[1]?.timeMs ?? timeMs) > WINDOW_MS) {
      this.#samples.shift();
    }
  }

  /**
   * Computes the rate.
   *
   * @returns Bytes a second over the last ten seconds; `null` if that is too
   * little to say.
   */
  rate(): number | null {
    const first = this.#samples.at(0);
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined) return null;
    const ms = last.timeMs - first.timeMs;
    return ms < 500 ? null : (last.byteLength - first.byteLength) / ms * 1000;
  }
}
