// @ts-check
import { ChatFailure } from "./failure.js";
import { SseParser } from "./sse.js";

/**
 * What an answer cost.
 *
 * @typedef {object} AnswerStats
 * @property {number} promptTokens
 * @property {number} cachedTokens Those of the prompt that the KV cache had.
 * @property {number} tokens Of the answer.
 * @property {number | null} tokensPerSecond
 */

/**
 * What a stream tells: it still waits, more text, or the end.
 *
 * @typedef {{ kind: "waiting", comment: string }
 *   | { kind: "text", text: string }
 *   | { kind: "end", finish: string, stats: AnswerStats | null }} ChatEvent
 */

/**
 * Asks for the answer to a conversation and tells it as it comes.
 *
 * @param {Record<string, unknown>} body The request, without what asks for a
 *   stream.
 * @param {{ signal: AbortSignal, fetch?: typeof globalThis.fetch }} options
 *   Aborting ends the request, and the server stops computing.
 * @returns {AsyncGenerator<ChatEvent, void, void>} The last event is the end.
 * @throws {ChatFailure} If the server cannot be reached, refuses, or leaves off.
 */
export async function* streamChat(body, { signal, fetch = globalThis.fetch }) {
  const response = await ask(body, { signal, fetch });
  if (!response.ok || response.body === null) {
    throw ChatFailure.ofAnswer(response.status, await readJson(response));
  }
  const parser = new SseParser();
  let finish = "";
  let stats = /** @type {AnswerStats | null} */ (null);
  for await (const text of piecesOf(response.body)) {
    for (const item of parser.push(text)) {
      if (item.kind === "comment") {
        yield { kind: "waiting", comment: item.text };
        continue;
      }
      if (item.data === "[DONE]") {
        yield { kind: "end", finish, stats };
        return;
      }
      const chunk = parseChunk(item.data);
      if (chunk.error) throw ChatFailure.ofAnswer(response.status, chunk);
      const choice = chunk.choices?.[0];
      const delta = choice?.delta?.content;
      if (typeof delta === "string" && delta !== "") {
        yield { kind: "text", text: delta };
      }
      finish = choice?.finish_reason ?? finish;
      stats = statsOf(chunk, stats);
    }
  }
  throw new ChatFailure({ kind: "cut-off" });
}

/**
 * @param {Record<string, unknown>} body
 * @param {{ signal: AbortSignal, fetch: typeof globalThis.fetch }} options
 */
async function ask(body, { signal, fetch }) {
  try {
    return await fetch("v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      }),
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new ChatFailure({ kind: "unreachable", message: String(error) });
  }
}

/**
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} stream
 * @returns {AsyncGenerator<string, void, void>}
 */
async function* piecesOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") {
      throw error;
    }
    throw new ChatFailure({ kind: "cut-off", message: String(error) });
  } finally {
    // Also when nobody wants the rest: the server stops computing.
    reader.cancel().catch(() => {});
  }
}

/**
 * The part of a chunk that the page reads.
 *
 * @typedef {object} Chunk
 * @property {{ delta?: { content?: string | null },
 *   finish_reason?: string | null }[]} [choices]
 * @property {{ prompt_tokens?: number, completion_tokens?: number,
 *   prompt_tokens_details?: { cached_tokens?: number } | null } | null} [usage]
 * @property {{ predicted_per_second?: number | null } | null} [timings]
 * @property {unknown} [error]
 */

/**
 * @param {string} data
 * @returns {Chunk}
 */
function parseChunk(data) {
  try {
    // Anything else than an object has none of what a chunk has.
    return Object(JSON.parse(data));
  } catch {
    throw new ChatFailure({ kind: "cut-off", message: "broken JSON" });
  }
}

/**
 * @param {Chunk} chunk
 * @param {AnswerStats | null} before
 * @returns {AnswerStats | null}
 */
function statsOf({ usage, timings }, before) {
  if (!usage && !timings) return before;
  return {
    promptTokens: usage?.prompt_tokens ?? before?.promptTokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ??
      before?.cachedTokens ?? 0,
    tokens: usage?.completion_tokens ?? before?.tokens ?? 0,
    tokensPerSecond: timings?.predicted_per_second ??
      before?.tokensPerSecond ?? null,
  };
}

/**
 * @param {Response} response
 * @returns {Promise<unknown>}
 */
async function readJson(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}
