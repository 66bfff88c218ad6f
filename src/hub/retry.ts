/**
 * Trying again, with growing waits.
 *
 * @module
 */
import { TransientError } from "./transient_error.ts";

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
/** A hub's limits are by windows of five minutes. */
const MAX_RETRY_AFTER_MS = 330_000;

/** Something will be tried again. */
export interface RetryNotice {
  /** What was tried, as in `fetch config.json`. */
  readonly action: string;
  /** What happened. */
  readonly reason: string;
  /** Milliseconds until it is tried again. */
  readonly waitMs: number;
}

/** How to try again. */
export interface RetryOptions {
  /** What is tried, as in `fetch config.json`. */
  readonly action: string;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Waits for some milliseconds, or until the signal. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told before each wait. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  /**
   * The most tries in a row that bring nothing.
   *
   * @default {10} two minutes, in which a router starts anew
   */
  readonly maxTries?: number;
  /**
   * Says how far it is. A try that got further counts as the first again.
   *
   * @default {() => 0}
   */
  readonly progress?: () => number;
}

/**
 * Does something until it goes well. Only a {@linkcode TransientError} is worth
 * another try.
 *
 * @param attempt What to do; it goes on where the one before ended.
 * @param options How often, and who is told.
 * @returns What the last try returned.
 * @throws {Error} If it failed too often, or what `attempt` throws.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { action, signal, wait, onRetry } = options;
  const { maxTries = 10, progress = () => 0 } = options;
  let tries = 0;
  let reached = progress();
  while (true) {
    try {
      signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      signal.throwIfAborted(); // whatever comes of that
      if (!(error instanceof TransientError)) throw error;
      tries = progress() > reached ? 1 : tries + 1;
      reached = progress();
      const { message, retryAfterMs, wanted } = error;
      if (tries >= maxTries) {
        throw new Error(
          `Cannot ${action}: ${message}, ${tries} times in a row, wanted ${wanted}; what is here stays`,
        );
      }
      if (retryAfterMs !== undefined && retryAfterMs > MAX_RETRY_AFTER_MS) {
        throw new Error(
          `Cannot ${action}: ${message}, and wants us to wait ${
            Math.ceil(retryAfterMs / 60_000)
          } minutes; try again then, what is here stays`,
        );
      }
      const waitMs = retryAfterMs ?? growingWaitMs(tries);
      onRetry?.({ action, reason: message, waitMs });
      await wait(waitMs, signal);
    }
  }
}

/** Doubles, with some chance in it, so that connections do not come as one. */
function growingWaitMs(tries: number): number {
  const waitMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1));
  return Math.round(waitMs * (0.75 + Math.random() / 2));
}

/**
 * Reads a `Retry-After` header.
 *
 * @param text The header: seconds, or a date.
 * @param nowMs The time, in milliseconds since 1970.
 * @returns Milliseconds to wait; `undefined` if it says nothing.
 */
export function parseRetryAfter(
  text: string | null,
  nowMs: number,
): number | undefined {
  if (text === null) return undefined;
  if (/^\s*\d+\s*$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/**
 * Reads a `RateLimit` header (draft-ietf-httpapi-ratelimit-headers), by which
 * Hugging Face says how long one of its windows still takes.
 *
 * @param text The header, such as `"resolvers";r=0;t=211`.
 * @returns Milliseconds to wait; `undefined` if it says nothing.
 */
export function parseRateLimit(text: string | null): number | undefined {
  const seconds = /;\s*t=(\d+)\s*(;|$)/.exec(text ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/**
 * Waits.
 *
 * @param ms Milliseconds.
 * @param signal Ends the wait early.
 */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
