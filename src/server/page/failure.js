// @ts-check

/**
 * Why there is no answer, or not all of one.
 *
 * - `unreachable`: no connection
 * - `cut-off`: the connection broke, or the stream ended too early
 * - `key`: the server wants its key
 * - `busy`: its queue is full
 * - `stopping`: it shuts down
 * - `context`: the conversation is longer than the model's context
 * - `too-large`: the request has too many bytes
 * - `refused`: something else is wrong with the request
 * - `server`: something went wrong in the server
 *
 * @typedef {"unreachable" | "cut-off" | "key" | "busy" | "stopping" | "context"
 *   | "too-large" | "refused" | "server"} FailureKind
 */

/**
 * How to go on: ask again, leave out the oldest messages and ask again, begin a
 * new conversation, look at the settings, or load the page again.
 *
 * @typedef {"retry" | "shorten" | "new" | "settings" | "reload"} WayOn
 */

/** A failure as people are told it. */
export class ChatFailure extends Error {
  /** @type {FailureKind} */
  kind;
  /** What the server said, if it said something. */
  said;

  /** @param {{ kind: FailureKind, message?: string }} failure */
  constructor({ kind, message = "" }) {
    super(message === "" ? kind : message);
    this.name = "ChatFailure";
    this.kind = kind;
    this.said = message;
  }

  /**
   * @param {unknown} error Whatever was thrown.
   * @returns {ChatFailure}
   */
  static of(error) {
    if (error instanceof ChatFailure) return error;
    return new ChatFailure({ kind: "cut-off", message: String(error) });
  }

  /**
   * @param {number} status Of HTTP; 200 if the error came within a stream.
   * @param {unknown} body The answer as JSON: `{ error: { message, code } }`.
   */
  static ofAnswer(status, body) {
    const error = Object(Object(body).error);
    const message = typeof error.message === "string" ? error.message : "";
    return new ChatFailure({ kind: kindOf(status, error), message });
  }
}

/**
 * @param {number} status
 * @param {{ code?: unknown, type?: unknown, message?: unknown }} error
 * @returns {FailureKind}
 */
function kindOf(status, { code, type, message }) {
  const isContext = code === "context_length_exceeded" ||
    type === "exceed_context_size_error" ||
    status === 400 && /\bcontext\b/.test(String(message));
  if (isContext) return "context";
  if (status === 401 || status === 403) return "key";
  if (status === 413) return "too-large";
  if (status === 429) return "busy";
  if (status === 503) return "stopping";
  return status >= 400 && status < 500 ? "refused" : "server";
}

/** @type {Record<FailureKind, { text: string, ways: WayOn[] }>} */
const WORDS = {
  "unreachable": {
    text: "The server cannot be reached. Is it still running?",
    ways: ["retry"],
  },
  "cut-off": {
    text: "The connection broke off before the answer was whole.",
    ways: ["retry"],
  },
  "key": {
    text: "The server wants its key. Load the page again to type it.",
    ways: ["reload"],
  },
  "busy": {
    text: "The server has too many requests waiting. Try again in a moment.",
    ways: ["retry"],
  },
  "stopping": {
    text: "The server is shutting down. Try again when it is back.",
    ways: ["retry"],
  },
  "context": {
    text: "The conversation is longer than what the model can see at once.",
    ways: ["shorten", "new"],
  },
  "too-large": {
    text: "The conversation is larger than what the server takes.",
    ways: ["shorten", "new"],
  },
  "refused": {
    text: "The server refused the request.",
    ways: ["retry", "settings"],
  },
  "server": {
    text: "Something went wrong in the server.",
    ways: ["retry"],
  },
};

/**
 * @param {FailureKind} kind
 * @param {string} said What the server said, if it said something.
 * @returns {{ text: string, ways: readonly WayOn[] }} What to tell, and what to
 *   offer.
 */
export function explainFailure(kind, said) {
  const { text, ways } = WORDS[kind] ?? WORDS.server;
  // What the browser says of a connection ("TypeError: Failed to fetch") tells
  // nobody anything.
  const isOfServer = kind !== "unreachable" && kind !== "cut-off" &&
    said !== "";
  return { text: isOfServer ? `${text} It says: ${said}` : text, ways };
}
