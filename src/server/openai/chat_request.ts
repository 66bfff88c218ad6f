import type { Message } from "../../text/chat_template.ts";
import { isRecord } from "../../text/special_token.ts";
import type { Ask } from "./ask.ts";
import { Fields, type JsonObject, wrongField } from "./fields.ts";
import { forcedCall } from "./forced_call.ts";
import { CANDIDATE_RANGE, samplingFields } from "./sampling_fields.ts";

/**
 * Reads the body of `POST /v1/chat/completions`.
 *
 * @param body The JSON object.
 * @returns What it asks for.
 * @throws {ApiError} If a field is missing, of the wrong type or out of range, or
 * asks for what there is not; it names the field.
 */
export function parseChatRequest(body: JsonObject): Ask {
  const fields = new Fields(body);
  const call = forcedCall(fields);
  const { options, ...rest } = samplingFields(fields);
  if (call && (options.responseFormat?.type ?? "text") !== "text") {
    throw fields.wrong("response_format", "none where a tool is called");
  }
  const responseFormat = call
    ? { type: "json_schema", schema: call.parameters } as const
    : options.responseFormat;
  const messages = messagesOf(fields);
  return {
    ...rest,
    prompts: [{ messages }],
    options: { ...options, responseFormat, logprobs: logprobsOf(fields) },
    ...call && { call },
  };
}

function messagesOf(fields: Fields): Message[] {
  const list = fields.list("messages");
  if (list === undefined || list.length === 0) {
    throw fields.wrong("messages", "a list of messages, at least one");
  }
  return list.map((message, i) => {
    const path = `messages[${i}]`;
    if (!isRecord(message)) throw wrongField(path, message, "an object");
    const parts = new Fields(message, `${path}.`);
    const role = parts.string("role");
    if (!role) throw parts.wrong("role", "system, user or assistant");
    return {
      role: role === "developer" ? "system" : role,
      content: contentOf(parts, path),
    };
  });
}

/** A text, or the texts of its parts. */
function contentOf(message: Fields, path: string): string {
  if (message.list("tool_calls")?.length) {
    throw message.wrong("tool_calls", "none: the model reads text only");
  }
  const content = message.any("content");
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) {
    throw message.wrong("content", "a string or a list of text parts");
  }
  return content.map((part, i) => {
    const place = `${path}.content[${i}]`;
    if (!isRecord(part)) throw wrongField(place, part, "an object");
    const fields = new Fields(part, `${place}.`);
    if (fields.string("type") !== "text") {
      throw fields.wrong("type", '"text": the model reads nothing else');
    }
    const text = fields.string("text");
    if (text === undefined) throw fields.wrong("text", "a string");
    return text;
  }).join("");
}

function logprobsOf(fields: Fields): number | undefined {
  const isWanted = fields.boolean("logprobs") ?? false;
  const count = fields.number("top_logprobs", CANDIDATE_RANGE);
  if (count !== undefined && count > 0 && !isWanted) {
    throw fields.wrong("top_logprobs", "logprobs to be true with it");
  }
  return isWanted ? count ?? 0 : undefined;
}
