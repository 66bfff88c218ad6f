/** Something of a network failed that may go well the next time. */
export class TransientError extends Error {
  /** Says which kind of error it is. */
  override name = "TransientError";

  /**
   * Makes the error.
   *
   * @param message What happened, as in `example.org answered 503`.
   * @param retryAfterMs How long the other side wants us to wait, if it says so.
   */
  constructor(message: string, readonly retryAfterMs?: number) {
    super(message);
  }
}
