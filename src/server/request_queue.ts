import { counted } from "../io/counted.ts";
import { ApiError } from "./http/api_error.ts";

/** Who is with the model now. */
export interface QueueLength {
  /** How many requests have their turn. */
  readonly running: number;
  /** How many wait. */
  readonly waiting: number;
}

/** Who waits for the model. */
interface Waiter {
  readonly start: (turn: Disposable) => void;
  readonly fail: (error: unknown) => void;
  readonly isKept: () => boolean;
}

/** How somebody waits. */
export interface JoinOptions {
  /**
   * Whether who waits keeps its place when the queue is closed; asked then.
   *
   * @default {() => false}
   */
  readonly isKept?: () => boolean;
}

/**
 * Lets requests to the model, one at a time, in the order in which they came.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RequestQueue } from "./request_queue.ts";
 *
 * const queue = new RequestQueue(8);
 * const { signal } = new AbortController();
 * const first = await queue.join(signal);
 * const second = queue.join(signal);
 * assertEquals([queue.running, queue.waiting], [1, 1]);
 * first[Symbol.dispose](); // the next one's turn
 * using _turn = await second;
 * assertEquals([queue.running, queue.waiting], [1, 0]);
 * ```
 */
export class RequestQueue implements QueueLength {
  readonly #limit: number;
  readonly #waiters = new Set<Waiter>();
  #isRunning = false;
  #closed: ApiError | undefined;

  /**
   * Constructs an empty queue.
   *
   * @param limit The most requests that wait while another runs.
   */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many requests have their turn: 0 or 1. */
  get running(): number {
    return Number(this.#isRunning);
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Waits for a turn.
   *
   * @param signal Gives up waiting when aborted.
   * @param options What happens if the queue is closed meanwhile.
   * @returns The turn, which ends when it is disposed of.
   * @throws {ApiError} At once, if too many wait (429) or the queue is closed; later
   * the signal's reason.
   */
  join(
    signal: AbortSignal,
    { isKept = () => false }: JoinOptions = {},
  ): Promise<Disposable> {
    if (this.#closed) throw this.#closed;
    signal.throwIfAborted();
    if (!this.#isRunning) {
      this.#isRunning = true;
      return Promise.resolve(this.#turn());
    }
    if (this.#waiters.size >= this.#limit) throw queueIsFull(this.#limit);
    return this.#wait(signal, isKept);
  }

  /**
   * Lets nobody in any more; who waits is turned away, but for those that are kept.
   * Who runs goes on.
   *
   * @param error What they are told.
   */
  close(error: ApiError): void {
    this.#closed = error;
    for (const waiter of this.#waiters) {
      if (waiter.isKept()) continue;
      this.#waiters.delete(waiter);
      waiter.fail(error);
    }
  }

  #wait(signal: AbortSignal, isKept: () => boolean): Promise<Disposable> {
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const waiter: Waiter = { start: resolve, fail: reject, isKept };
    const leave = () => {
      this.#waiters.delete(waiter);
      reject(signal.reason);
    };
    this.#waiters.add(waiter);
    signal.addEventListener("abort", leave, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  #turn(): Disposable {
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        const [next] = this.#waiters;
        this.#isRunning = next !== undefined;
        if (next === undefined) return;
        this.#waiters.delete(next);
        next.start(this.#turn());
      },
    };
  }
}

function queueIsFull(limit: number): ApiError {
  return new ApiError(
    `Cannot answer now: the queue is full (${
      counted(limit, "request")
    } at most), wanted a free place; try again later`,
    {
      status: 429,
      type: "rate_limit_error",
      code: "queue_full",
      headers: { "retry-after": "5" },
    },
  );
}
