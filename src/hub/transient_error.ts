/** What to do about a {@linkcode TransientError}. */
export interface TransientErrorOptions {
  /** How long the other side wants us to wait, in milliseconds, if it says so. */
  readonly retryAfterMs?: number | undefined;
  /**
   * What is missing, should it not go well the next time either.
   *
   * @default {"an answer; try again later"}
   */
  readonly wanted?: string;
}

/** Something of a network failed that may go well the next time. */
export class TransientError extends Error {
  /** Says which kind of error it is. */
  override name = "TransientError";
  /** How long the other side wants us to wait, in milliseconds, if it says so. */
  readonly retryAfterMs: number | undefined;
  /** What is missing, should it not go well the next time either. */
  readonly wanted: string;

  /**
   * Makes the error.
   *
   * @param message What happened, as in `example.org answered 503`.
   * @param options What to do about it.
   */
  constructor(message: string, {
    retryAfterMs,
    wanted = "an answer; try again later",
  }: TransientErrorOptions = {}) {
    super(message);
    this.retryAfterMs = retryAfterMs;
    this.wanted = wanted;
  }
}
