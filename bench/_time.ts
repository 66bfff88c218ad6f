/** How long ops take, on data that no cache holds if there is enough of it. */

import { median } from "../src/engine/pick_variant.ts";
import { PassTimer } from "../src/engine/pass_timer.ts";
import type { Gpu } from "../src/gpu/device.ts";
import type { Op } from "../src/ops/op.ts";
import { type StepBuffers, writeStep } from "../src/ops/step.ts";

/** Ops to be timed, one after the other in a pass. */
export interface Timed {
  /** The ops: the same work, on other buffers if caches are not to help. */
  readonly ops: readonly Op[];
  /** Tokens of the step. */
  readonly tokenCount: number;
  /** Position of the first of them. */
  readonly position: number;
}

/** Until a GPU that was idle runs at full speed. */
const WARM_UP_MS = { hardware: 300, software: 0 };
/** Ops are repeated within a pass until it takes this long. */
const LEAST_MS = { hardware: 10, software: 5 };
/** The most dispatches of a pass. */
const DISPATCH_LIMIT = 1024;
/** The median of so many passes counts. */
const ROUNDS = 9;

/** Times ops on a GPU. */
export class Timer implements Disposable {
  readonly #gpu: Gpu;
  readonly #passes: PassTimer;
  readonly #step: StepBuffers;

  private constructor(gpu: Gpu, step: StepBuffers, passes: PassTimer) {
    this.#gpu = gpu;
    this.#step = step;
    this.#passes = passes;
  }

  /**
   * Makes a timer.
   *
   * @param gpu The GPU.
   * @param step The step that the ops read.
   * @returns The timer.
   */
  static async create(gpu: Gpu, step: StepBuffers): Promise<Timer> {
    return new Timer(gpu, step, await PassTimer.create(gpu));
  }

  /** Whether times are the GPU's own, or from submit to read-back. */
  get hasClock(): boolean {
    return this.#passes.hasClock;
  }

  /**
   * Finds out how often ops are to be repeated in a pass, so that neither its
   * submit nor its read-back counts, and warms up.
   *
   * @param timed The ops.
   * @returns How often.
   */
  async warmUp(timed: Timed): Promise<number> {
    const kind = this.#gpu.isSoftware ? "software" : "hardware";
    const most = Math.max(1, Math.floor(DISPATCH_LIMIT / timed.ops.length));
    const start = performance.now();
    let count = 1;
    await this.pass(timed, 1); // the first use of buffers clears them
    do {
      const ms = await this.pass(timed, count);
      if (ms < LEAST_MS[kind] && count < most) {
        count = Math.min(2 * count, most);
        continue;
      }
      if (performance.now() - start >= WARM_UP_MS[kind]) return count;
    } while (true);
  }

  /**
   * Runs a pass.
   *
   * @param timed The ops.
   * @param count How often to repeat them.
   * @returns Milliseconds.
   */
  pass({ ops, tokenCount, position }: Timed, count: number): Promise<number> {
    const tokens = Array<number>(tokenCount).fill(0);
    writeStep(this.#gpu, this.#step, { tokens, position, firstRow: 0 });
    return this.#passes.ms((pass) => {
      for (let i = 0; i < count; i++) {
        for (const op of ops) op.encode(pass, tokenCount, position);
      }
    });
  }

  /**
   * Times ops.
   *
   * @param timed The ops.
   * @returns Microseconds of one of them, the median of 9 passes.
   */
  async us(timed: Timed): Promise<number> {
    const count = await this.warmUp(timed);
    const times: number[] = [];
    for (let i = 0; i < ROUNDS; i++) times.push(await this.pass(timed, count));
    return median(times) / count / timed.ops.length * 1e3;
  }

  /** Frees its buffers. */
  [Symbol.dispose](): void {
    this.#passes[Symbol.dispose]();
  }
}
