// @ts-check

/** @typedef {import("./stream_chat.js").AnswerStats} AnswerStats */
/** @typedef {import("./failure.js").FailureKind} FailureKind */

/**
 * How an answer ended: by the model, at the limit of tokens, by the user, or
 * too early.
 *
 * @typedef {"stop" | "length" | "stopped" | "failed"} AnswerEnd
 */

/**
 * A message, with what is known about an answer.
 *
 * @typedef {object} Message
 * @property {"user" | "assistant"} role
 * @property {string} content
 * @property {AnswerEnd} [end]
 * @property {AnswerStats} [stats]
 * @property {{ kind: FailureKind, said: string }} [failure]
 */

/**
 * A conversation.
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {string} title
 * @property {number} updatedMs When it last changed, in ms since 1970.
 * @property {number} firstSent Index of the first message that the model is
 *   still told.
 * @property {Message[]} messages
 */

const FORMAT = "moeno-conversations";
const TITLE_LENGTH = 60;

/** @returns {string} An id for a conversation. */
export function newId() {
  // `crypto.randomUUID()` is only there over HTTPS and on this machine.
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}

/**
 * @param {string} text The first message.
 * @returns {string} A title: its first line, cut between words.
 */
export function titleOf(text) {
  const line = text.trim().split("\n")[0]?.replace(/\s+/g, " ").trim() ?? "";
  if (line === "") return "New conversation";
  if (line.length <= TITLE_LENGTH) return line;
  const cut = line.slice(0, TITLE_LENGTH);
  return `${cut.replace(/\s+\S*$/, "").replace(/[\ud800-\udbff]$/, "")}…`;
}

/**
 * Reads a conversation that a browser kept. What is unknown in it is left out.
 *
 * @param {string | null} json
 * @returns {Conversation | null} `null` if it is none.
 */
export function parseConversation(json) {
  try {
    return checkConversation(JSON.parse(json ?? "null"));
  } catch {
    return null;
  }
}

/**
 * @param {readonly Conversation[]} conversations
 * @returns {string} A JSON file with all of them.
 */
export function exportConversations(conversations) {
  return JSON.stringify({ format: FORMAT, version: 1, conversations }, null, 2);
}

/**
 * @param {string} json
 * @returns {Conversation[]}
 * @throws {SyntaxError} If it is no such file.
 */
export function parseExport(json) {
  const file = Object(parseJson(json));
  if (file.format !== FORMAT || file.version !== 1) {
    throw new SyntaxError("Cannot import: the file holds no conversations");
  }
  const list = Array.isArray(file.conversations) ? file.conversations : [];
  return list.map((/** @type {unknown} */ value) => {
    const conversation = checkConversation(value);
    if (conversation === null) {
      throw new SyntaxError("Cannot import: a conversation in it is broken");
    }
    return conversation;
  });
}

/**
 * @param {string} json
 * @returns {unknown}
 */
function parseJson(json) {
  try {
    return JSON.parse(json);
  } catch {
    throw new SyntaxError("Cannot import: the file is not JSON");
  }
}

/**
 * @param {unknown} value
 * @returns {Conversation | null}
 */
function checkConversation(value) {
  const { id, title, updatedMs, firstSent, messages } = Object(value);
  if (typeof id !== "string" || typeof title !== "string") return null;
  if (!Number.isFinite(updatedMs) || !Array.isArray(messages)) return null;
  const checked = messages.map(checkMessage);
  if (checked.includes(null)) return null;
  const first = Number.isInteger(firstSent) ? firstSent : 0;
  return {
    id,
    title,
    updatedMs,
    firstSent: Math.max(0, Math.min(first, messages.length)),
    messages: /** @type {Message[]} */ (checked),
  };
}

/**
 * @param {unknown} value
 * @returns {Message | null}
 */
function checkMessage(value) {
  const { role, content, end, stats, failure } = Object(value);
  if (role !== "user" && role !== "assistant") return null;
  if (typeof content !== "string") return null;
  /** @type {Message} */
  const message = { role, content };
  if (["stop", "length", "stopped", "failed"].includes(end)) message.end = end;
  if (typeof failure?.kind === "string" && typeof failure.said === "string") {
    message.failure = { kind: failure.kind, said: failure.said };
  }
  const { promptTokens, cachedTokens, tokens, tokensPerSecond } = Object(stats);
  if ([promptTokens, cachedTokens, tokens].every(Number.isFinite)) {
    const rate = Number.isFinite(tokensPerSecond) ? tokensPerSecond : null;
    message.stats = {
      promptTokens,
      cachedTokens,
      tokens,
      tokensPerSecond: rate,
    };
  }
  return message;
}
