import { ApiError } from "./http/api_error.ts";

/** How long a request lives: until its time is up, or somebody ends it. */
export class RequestLife implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;

  /**
   * Begins a life.
   *
   * @param timeoutMs How long it may last, waiting included.
   */
  constructor(timeoutMs: number) {
    this.#timer = setTimeout(() => this.end(tooLong(timeoutMs)), timeoutMs);
  }

  /** Aborted, with the reason, when the life ends early. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Ends it.
   *
   * @param reason What the client is told, if it is still there.
   */
  end(reason: ApiError): void {
    this.#controller.abort(reason);
  }

  /** The request has been answered. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Makes the reason of a request whose client went away; nobody will read it.
 *
 * @returns The error, with nginx' status for it.
 */
export function clientIsGone(): ApiError {
  return new ApiError("Cannot answer: the client closed the connection", {
    status: 499,
    code: "client_closed_request",
  });
}

/**
 * Makes the reason of requests that come, wait or run when the server stops.
 *
 * @returns The error.
 */
export function serverStops(): ApiError {
  return new ApiError("Cannot answer: the server is stopping", {
    status: 503,
    code: "server_stopping",
    headers: { "retry-after": "10" },
  });
}

function tooLong(timeoutMs: number): ApiError {
  return new ApiError(
    `Cannot answer: it took longer than ${
      timeoutMs / 1000
    } s, waiting included; ask for fewer tokens, or start the server with a longer --timeout`,
    { status: 504, code: "timeout" },
  );
}
