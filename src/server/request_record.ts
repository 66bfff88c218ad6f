import type { ApiError } from "./http/api_error.ts";
import type { AnswerListener, AnswerRecord } from "./openai/answer.ts";

/** A request that has been answered, or not. */
export interface RequestRecord {
  /** `GET`, `POST`, … */
  readonly method: string;
  /** The path of its route; `other` if there is none. */
  readonly path: string;
  /** The HTTP status; of a stream that failed, the one that it would have had. */
  readonly status: number;
  /** From the request to the end of the answer, in ms. */
  readonly totalMs: number;
  /** What the model did for it, if anything. */
  readonly answer?: AnswerRecord;
  /** Why it was not answered. */
  readonly error?: string;
}

/** Hears what the server does. */
export interface RequestListener {
  /** Some tokens of a prompt have run. */
  promptTokens?(count: number): void;
  /** A token of an answer has come. */
  token?(): void;
  /** A request has been answered, or not. */
  ended?(record: RequestRecord): void;
}

/** Follows one request, and tells once how it went. */
export class RequestLog {
  /** For whoever has the model answer it. */
  readonly listener: AnswerListener;
  /** The path of its route, once it is found. */
  path = "other";
  readonly #method: string;
  readonly #listeners: readonly RequestListener[];
  readonly #startMs = performance.now();
  #isWithModel = false;

  /**
   * Begins to follow a request.
   *
   * @param method The request's method.
   * @param listeners Who hears of it.
   */
  constructor(method: string, listeners: readonly RequestListener[]) {
    this.#method = method;
    this.#listeners = listeners;
    this.listener = {
      began: () => void (this.#isWithModel = true),
      promptTokens: (count) => this.#tell((all) => all.promptTokens?.(count)),
      token: () => this.#tell((all) => all.token?.()),
      ended: (answer) => {
        const { status, error } = answer;
        this.#end({ status, answer, ...error !== undefined && { error } });
      },
    };
  }

  /**
   * Tells of a response; not if it is the model's, which may not be at its end yet.
   *
   * @param response The response.
   * @param error Why it is no answer.
   */
  answered({ status }: Response, error?: ApiError): void {
    if (this.#isWithModel) return;
    this.#end({ status, ...error && { error: error.message } });
  }

  #end(how: Pick<RequestRecord, "status" | "answer" | "error">): void {
    const record = {
      method: this.#method,
      path: this.path,
      totalMs: performance.now() - this.#startMs,
      ...how,
    };
    this.#tell((all) => all.ended?.(record));
  }

  #tell(what: (listener: RequestListener) => void): void {
    for (const listener of this.#listeners) what(listener);
  }
}
