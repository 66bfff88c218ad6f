/** Workers that multiply by plain matrices side by side. */

import { WorkerPool } from "../io/worker_pool.ts";
import type { PlainMatrix, Row } from "./plain_weights.ts";

/** Rows to multiply by a matrix. */
export interface MultiplyJob {
  /** W (N, K). */
  readonly matrix: PlainMatrix;
  /** Rows (K). */
  readonly xs: readonly Row[];
}

/**
 * A pool of workers, each of which takes a matrix at a time. What comes out does not
 * depend on how many there are.
 */
export class MultiplyPool implements Disposable {
  readonly #pool: WorkerPool<MultiplyJob, Row[]>;

  /**
   * Starts the workers.
   *
   * @param workerCount How many.
   */
  constructor(workerCount: number) {
    this.#pool = new WorkerPool({
      workerCount,
      startWorker: () =>
        new Worker(new URL("./multiply_worker.ts", import.meta.url), {
          type: "module",
        }),
      action: "multiply",
    });
  }

  /**
   * Multiplies rows as soon as a worker is free.
   *
   * @param matrix W (N, K).
   * @param xs Rows (K).
   * @returns W x (N) of each.
   */
  multiply(matrix: PlainMatrix, xs: readonly Row[]): Promise<Row[]> {
    return this.#pool.run({ matrix, xs });
  }

  /** Ends the workers. What waits or runs fails. */
  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
  }
}
