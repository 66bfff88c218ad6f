/** Workers that do jobs side by side. */

/** The answer to a job: what it gave, or why it gave nothing. */
export type WorkerAnswer<R> =
  | { readonly result: R }
  | { readonly message: string };

/** Options for {@linkcode WorkerPool}. */
export interface WorkerPoolOptions {
  /** How many workers. */
  readonly workerCount: number;
  /** Starts one. */
  readonly startWorker: () => Worker;
  /** What they do, for errors: `Cannot <action>: …`. */
  readonly action: string;
}

/** A job that waits or runs. */
interface Pending<J, R> {
  readonly job: J;
  readonly transfer: Transferable[];
  readonly resolve: (result: R) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A pool of workers, each of which does a job at a time: it is posted the job and
 * answers with a {@linkcode WorkerAnswer}; {@linkcode serveJobs} is its other end.
 */
export class WorkerPool<J, R> implements Disposable {
  readonly #action: string;
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Pending<J, R>>();
  readonly #waiting: Pending<J, R>[] = [];
  /** Why no job runs any more. */
  #end: Error | undefined;

  /**
   * Starts the workers.
   *
   * @param options How many, and how.
   */
  constructor({ workerCount, startWorker, action }: WorkerPoolOptions) {
    this.#action = action;
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
   * Does a job as soon as a worker is free.
   *
   * @param job The job.
   * @param transfer What of it is taken away and not copied.
   * @returns What it gave.
   * @throws {RangeError} If the worker says why it gave nothing.
   * @throws {Error} If a worker ended, or the pool has.
   */
  run(job: J, transfer: Transferable[] = []): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    if (this.#end !== undefined) reject(this.#end);
    else this.#waiting.push({ job, transfer, resolve, reject });
    this.#startWaiting();
    return promise;
  }

  /** Ends the workers. Jobs that wait or run fail. */
  [Symbol.dispose](): void {
    this.#stop(
      new Error(
        `Cannot ${this.#action}: the workers were ended, wanted them at work`,
      ),
    );
  }

  #startWaiting(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const worker = this.#idle.pop()!;
      const pending = this.#waiting.shift()!;
      this.#running.set(worker, pending);
      worker.postMessage(pending.job, pending.transfer);
    }
  }

  #finish(worker: Worker, answer: WorkerAnswer<R>): void {
    const pending = this.#running.get(worker);
    if (pending === undefined) return; // the pool has ended
    this.#running.delete(worker);
    this.#idle.push(worker);
    if ("result" in answer) pending.resolve(answer.result);
    else pending.reject(new RangeError(answer.message));
    this.#startWaiting();
  }

  #fail(reason: string): void {
    this.#stop(
      new Error(
        `Cannot ${this.#action}: a worker ended (${
          reason.split("\n", 1)[0]
        }), wanted it to go on; fewer workers need less memory`,
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

/** The part of a worker's global scope that we use; DOM types lack it. */
interface WorkerScope<J, R> {
  onmessage: (event: MessageEvent<J>) => void;
  postMessage(answer: WorkerAnswer<R>, transfer: Transferable[]): void;
}

/**
 * Answers the jobs of a {@linkcode WorkerPool}, in a worker.
 *
 * @param work Does a job.
 * @param transferOf What of a result is taken away and not copied.
 */
export function serveJobs<J, R>(
  work: (job: J) => R,
  transferOf: (result: R) => Iterable<Transferable>,
): void {
  const scope = self as unknown as WorkerScope<J, R>;
  scope.onmessage = ({ data }) => {
    try {
      const result = work(data);
      scope.postMessage({ result }, [...transferOf(result)]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      scope.postMessage({ message }, []);
    }
  };
}
