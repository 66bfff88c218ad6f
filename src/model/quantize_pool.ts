/** Workers that quantize matrices side by side. */

import type { QuantizeJob } from "./quantize_job.ts";
import type { QuantizeAnswer } from "./quantize_worker.ts";
import type { ParallelQuantizer } from "./weights.ts";

/** A job that waits or runs. */
interface Pending {
  readonly job: QuantizeJob;
  readonly resolve: (tensors: Uint8Array[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A pool of workers, each of which quantizes a matrix at a time. What comes out
 * does not depend on how many there are.
 */
export class QuantizePool implements ParallelQuantizer, Disposable {
  /** How many workers there are. */
  readonly workerCount: number;
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Pending>();
  readonly #waiting: Pending[] = [];
  /** Why no job runs any more. */
  #end: Error | undefined;

  /**
   * Starts the workers.
   *
   * @param workerCount How many.
   * @param startWorker Starts one; for tests.
   */
  constructor(workerCount: number, startWorker: () => Worker = startOne) {
    this.workerCount = workerCount;
    for (let i = 0; i < workerCount; i++) {
      const worker = startWorker();
      worker.onmessage = ({ data }) => this.#finish(worker, data);
      worker.onerror = (event) => {
        event.preventDefault(); // else it would end the whole process
        this.#fail(event.message);
      };
      worker.onmessageerror = () => this.#fail("its answer cannot be read");
      this.#idle.push(worker);
    }
  }

  /**
   * Quantizes a matrix as soon as a worker is free.
   *
   * @param job The matrix; its bytes are taken away.
   * @returns The bytes of the tensors that store it, or those of its layout.
   */
  run(job: QuantizeJob): Promise<Uint8Array[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array[]>();
    if (this.#end !== undefined) reject(this.#end);
    else this.#waiting.push({ job, resolve, reject });
    this.#startWaiting();
    return promise;
  }

  /** Ends the workers. Jobs that wait or run fail. */
  [Symbol.dispose](): void {
    this.#stop(
      new Error("Cannot quantize: the workers were ended, wanted them at work"),
    );
  }

  #startWaiting(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const worker = this.#idle.pop()!;
      const pending = this.#waiting.shift()!;
      this.#running.set(worker, pending);
      worker.postMessage(pending.job, [pending.job.bytes.buffer]);
    }
  }

  #finish(worker: Worker, answer: QuantizeAnswer): void {
    const pending = this.#running.get(worker);
    if (pending === undefined) return; // the pool has ended
    this.#running.delete(worker);
    this.#idle.push(worker);
    if ("tensors" in answer) pending.resolve(answer.tensors);
    else pending.reject(new RangeError(answer.message));
    this.#startWaiting();
  }

  #fail(reason: string): void {
    this.#stop(
      new Error(
        `Cannot quantize: a worker ended (${reason}), wanted it to go on; fewer workers need less memory`,
      ),
    );
  }

  #stop(error: Error): void {
    this.#end ??= error;
    for (const worker of [...this.#idle, ...this.#running.keys()]) {
      worker.terminate();
    }
    const pending = [...this.#running.values(), ...this.#waiting];
    this.#idle.length = 0;
    this.#running.clear();
    this.#waiting.length = 0;
    for (const { reject } of pending) reject(this.#end);
  }
}

function startOne(): Worker {
  return new Worker(new URL("./quantize_worker.ts", import.meta.url), {
    type: "module",
  });
}
