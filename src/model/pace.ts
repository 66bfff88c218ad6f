/** Keeps the host from recording far ahead of the GPU. */

/**
 * How far ahead the host records, as long as tokens take: late enough for timers,
 * early enough for the GPU never to wait.
 */
const LEAD_MS = 16;

/** Rows of fewer steps say little of how long one takes: a read-back ends each. */
const LEAST_STEPS = 4;

/** What passes the time. */
export interface Clock {
  /** The time in milliseconds. */
  readonly now: () => number;
  /** Lets the event loop go on for so long. */
  readonly sleep: (ms: number) => Promise<void>;
}

const CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/**
 * Paces steps that are recorded in a row and waited for together. WebGPU frees what
 * finished commands hold when the next are submitted: without a pace it would all be
 * freed in the end, while the GPU waits for the next steps. And the event loop turns.
 *
 * Not for experts that come over the bus: a host that sleeps meanwhile was seen to
 * cost a tenth of their speed, and what is freed is little beside them.
 */
export class Pace {
  readonly #clock: Clock;
  #start = 0;
  #stepMs: number | null = null;

  /**
   * Constructs a pace that does not know yet how long a step takes.
   *
   * @param clock What passes the time.
   */
  constructor(clock: Clock = CLOCK) {
    this.#clock = clock;
  }

  /**
   * Waits until a step of the row is due.
   *
   * @param index Its number; 0 begins a row.
   */
  async wait(index: number): Promise<void> {
    if (index === 0) this.#start = this.#clock.now();
    if (this.#stepMs === null) return;
    const due = this.#start + index * this.#stepMs - LEAD_MS;
    const early = due - this.#clock.now();
    if (early >= 1) await this.#clock.sleep(early);
  }

  /**
   * Ends a row, all of which has run.
   *
   * The shortest time counts: a pace that was too slow would else keep itself up.
   *
   * @param count How many steps it had.
   */
  end(count: number): void {
    if (count < LEAST_STEPS) return;
    const stepMs = (this.#clock.now() - this.#start) / count;
    this.#stepMs = Math.min(this.#stepMs ?? Infinity, stepMs);
  }
}
