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
 * Starts workers, each of which takes a matrix at a time and gives W x (N) of each
 * row. What comes out does not depend on how many there are.
 *
 * @param workerCount How many.
 * @returns The pool; disposing of it ends them.
 */
export function multiplyPool(
  workerCount: number,
): WorkerPool<MultiplyJob, Row[]> {
  return new WorkerPool({
    workerCount,
    startWorker: () =>
      new Worker(new URL("./multiply_worker.ts", import.meta.url), {
        type: "module",
      }),
    action: "multiply",
  });
}
