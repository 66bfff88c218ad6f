import { DeviceLostError } from "../../gpu/device_loss.ts";
import { oneLine } from "../../io/harmless.ts";

/** What a client is told when a request cannot be answered. */
export interface ApiErrorOptions {
  /** The HTTP status. */
  readonly status: number;
  /**
   * What kind of error it is, in OpenAI's words.
   *
   * @default {"invalid_request_error"} below 500, else `"server_error"`
   */
  readonly type?: string;
  /** The field of the request that is wrong. */
  readonly param?: string | undefined;
  /** What programs tell errors apart by. */
  readonly code?: string;
  /** Headers that go with it. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error that is the client's to read: a status, and OpenAI's JSON. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status. */
  readonly status: number;
  readonly #options: ApiErrorOptions;

  /**
   * Constructs the error.
   *
   * @param message A sentence.
   * @param options What goes with it.
   */
  constructor(message: string, options: ApiErrorOptions) {
    super(oneLine(message)); // it may quote the request
    this.status = options.status;
    this.#options = options;
  }

  /** The body, as OpenAI's API has it. */
  toJSON(): { error: Record<string, string | null> } {
    const { type, param = null, code = null } = this.#options;
    const kind = this.status < 500 ? "invalid_request_error" : "server_error";
    return {
      error: { message: this.message, type: type ?? kind, param, code },
    };
  }

  /**
   * Makes the response.
   *
   * @returns JSON with status and headers.
   */
  response(): Response {
    const { headers = {} } = this.#options;
    return Response.json(this, { status: this.status, headers });
  }
}

/**
 * Makes an error of the client's for anything that was thrown. What was not meant
 * for clients keeps its message: it is a sentence, and names no file but the
 * model's.
 *
 * @param error What was thrown.
 * @returns The error itself if it is one of ours, else one with status 500, or 503
 * if the GPU's device was lost.
 */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DeviceLostError) {
    return new ApiError(error.message, {
      status: 503,
      code: "device_lost",
      headers: { "retry-after": "10" },
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(message, { status: 500, code: "internal_error" });
}
