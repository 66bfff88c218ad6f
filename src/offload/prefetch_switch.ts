/** Whether to prefetch: yes, no, or whatever turns out faster. */

/** How prefetching is decided. */
export type PrefetchMode = "off" | "next-layer" | "auto";

/** All ways. */
export const PREFETCH_MODES: readonly PrefetchMode[] = [
  "off",
  "next-layer",
  "auto",
];

/** Tokens of a trial with prefetching, and of one without. */
const TRIAL_TOKENS = 24;
/** Tokens between trials. */
const RUN_TOKENS = 1000;

/**
 * Decides token by token whether to prefetch. `auto` tries both ways for some
 * tokens each, keeps the one whose median token took less time, and tries again
 * after a while: what pays depends on the link, the model and the text.
 */
export class PrefetchSwitch {
  readonly #mode: PrefetchMode;
  #tokenCount = 0;
  #lastMs: number | null = null;
  #times: { on: number[]; off: number[] } = { on: [], off: [] };
  #isOn: boolean;

  /**
   * Constructs a switch.
   *
   * @param mode How to decide.
   */
  constructor(mode: PrefetchMode) {
    this.#mode = mode;
    this.#isOn = mode !== "off";
  }

  /** Whether to prefetch for the current token. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** Whether it will ever be on. */
  get isPossible(): boolean {
    return this.#mode !== "off";
  }

  /**
   * Begins a token.
   *
   * @param nowMs The time.
   */
  beginToken(nowMs: number): void {
    if (this.#mode !== "auto") return;
    const place = this.#tokenCount % (2 * TRIAL_TOKENS + RUN_TOKENS);
    if (this.#lastMs !== null && place > 0 && place <= 2 * TRIAL_TOKENS) {
      this.#times[this.#isOn ? "on" : "off"].push(nowMs - this.#lastMs);
    }
    if (place === 0) {
      this.#times = { on: [], off: [] };
      this.#isOn = true;
    } else if (place === TRIAL_TOKENS) {
      this.#isOn = false;
    } else if (place === 2 * TRIAL_TOKENS) {
      this.#isOn = median(this.#times.on) < median(this.#times.off);
    }
    this.#lastMs = nowMs;
    this.#tokenCount++;
  }

  /** Ends a run of tokens: the time until the next one counts for nothing. */
  pause(): void {
    this.#lastMs = null;
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
}
