/** Workers that quantize matrices side by side. */

import { WorkerPool } from "../io/worker_pool.ts";
import type { ParallelQuantizer, QuantizeJob } from "./quantize_job.ts";

/**
 * A pool of workers, each of which quantizes a matrix at a time. What comes out
 * does not depend on how many there are.
 */
export class QuantizePool implements ParallelQuantizer, Disposable {
  /** How many workers there are. */
  readonly workerCount: number;
  readonly #pool: WorkerPool<QuantizeJob, Uint8Array[]>;

  /**
   * Starts the workers.
   *
   * @param workerCount How many.
   * @param startWorker Starts one; for tests.
   */
  constructor(workerCount: number, startWorker: () => Worker = startOne) {
    this.workerCount = workerCount;
    this.#pool = new WorkerPool({
      workerCount,
      startWorker,
      action: "quantize",
    });
  }

  /**
   * Quantizes a matrix as soon as a worker is free.
   *
   * @param job The matrix; its bytes are taken away.
   * @returns The bytes of the tensors that store it, or those of its layout.
   */
  run(job: QuantizeJob): Promise<Uint8Array[]> {
    return this.#pool.run(job, [job.bytes.buffer]);
  }

  /** Ends the workers. Jobs that wait or run fail. */
  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
  }
}

function startOne(): Worker {
  return new Worker(new URL("./quantize_worker.ts", import.meta.url), {
    type: "module",
  });
}
