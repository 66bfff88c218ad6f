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
  /** When the latest run of tokens began, and how many they are. */
  #last: { ms: number; count: number } | null = null;
  #times: { on: number[]; off: number[] } = { on: [], off: [] };
  #isOn: boolean;
  #phase: "on" | "off" | "run" = "on";

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

  /**
   * Begins a token, or some tokens that run without a stop: all of them take the
   * same way, and an equal share of the time.
   *
   * @param nowMs The time.
   * @param count How many tokens.
   */
  beginToken(nowMs: number, count = 1): void {
    if (this.#mode !== "auto") return;
    const last = this.#last;
    if (last !== null && this.#phase !== "run") {
      const share = (nowMs - last.ms) / last.count;
      this.#times[this.#phase].push(...Array(last.count).fill(share));
    }
    const phase = phaseOf(this.#tokenCount);
    if (phase !== this.#phase) {
      if (phase === "on") this.#times = { on: [], off: [] };
      this.#isOn = phase === "run"
        ? median(this.#times.on) < median(this.#times.off)
        : phase === "on";
      this.#phase = phase;
    }
    this.#last = { ms: nowMs, count };
    this.#tokenCount += count;
  }

  /** Ends a run of tokens: the time until the next one counts for nothing. */
  pause(): void {
    this.#last = null;
  }
}

/** A trial with prefetching, one without, then whatever was faster. */
function phaseOf(tokenCount: number): "on" | "off" | "run" {
  const place = tokenCount % (2 * TRIAL_TOKENS + RUN_TOKENS);
  if (place < TRIAL_TOKENS) return "on";
  return place < 2 * TRIAL_TOKENS ? "off" : "run";
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
}
