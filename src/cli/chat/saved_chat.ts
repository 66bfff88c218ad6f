/** A conversation as a file holds it. */

import { isRecord } from "../../text/special_token.ts";
import { type GenerateOptions, resolveOptions } from "../../engine/options.ts";
import { showJson } from "../../io/show_json.ts";
import type { Message } from "../../text/chat_template.ts";
import { SAMPLING_FLAGS } from "../sampling_flags.ts";

/** Says that a JSON file is a conversation. */
const FORMAT = "moeno-chat";

/** Raised when older programs could not read it. */
const VERSION = 1;

/** A conversation, and how it was held. */
export interface SavedChat {
  /** The name of the model that answered last. */
  readonly model: string;
  /** What the model was told before, if anything. */
  readonly system?: string | undefined;
  /** How answers were made, where that was set. */
  readonly settings: GenerateOptions;
  /** A user's message, its answer, and so on. */
  readonly messages: readonly Message[];
}

/**
 * Writes a conversation.
 *
 * @param chat The conversation.
 * @returns JSON, for people to read, too.
 */
export function formatChat(
  { model, system, settings, messages }: SavedChat,
): string {
  const content = { model, system, settings, messages };
  const file = { format: FORMAT, version: VERSION, ...content };
  return JSON.stringify(file, null, 2) + "\n";
}

/**
 * Reads a conversation.
 *
 * @param text The content of a file.
 * @param path What to call it.
 * @returns The conversation, checked.
 * @throws {SyntaxError} If it holds none, or one that cannot have been.
 */
export function parseChat(text: string, path: string): SavedChat {
  const refuse = (why: string) =>
    new SyntaxError(`Cannot load ${path}: ${why}`);
  const file = parseObject(text);
  if (file?.format !== FORMAT) {
    throw refuse("it holds no conversation, wanted a file that /save wrote");
  }
  if (file.version !== VERSION) {
    throw refuse(
      `its version is ${showJson(file.version)}, wanted ${VERSION}; ` +
        "perhaps a newer moeno wrote it",
    );
  }
  const { model = "", system } = file;
  if (typeof model !== "string") throw refuse("its model is no text");
  if (system !== undefined && typeof system !== "string") {
    throw refuse("its system message is no text");
  }
  const messages = parseMessages(file.messages);
  if (messages === undefined) {
    throw refuse(
      "its messages are no list of texts by user and assistant in turns",
    );
  }
  const settings = file.settings ?? {};
  const problem = problemOf(settings);
  if (problem !== undefined) throw refuse(problem);
  return { model, system, messages, settings: settings as GenerateOptions };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function parseMessages(list: unknown): Message[] | undefined {
  if (!Array.isArray(list) || list.length % 2 === 1) return undefined;
  const messages: Message[] = [];
  for (const [i, message] of list.entries()) {
    if (!isRecord(message)) return undefined;
    const { role, content } = message;
    const wanted = i % 2 === 0 ? "user" : "assistant";
    if (role !== wanted || typeof content !== "string") return undefined;
    messages.push({ role: wanted, content });
  }
  return messages;
}

/** What is wrong with settings, if anything. */
function problemOf(settings: unknown): string | undefined {
  if (!isRecord(settings)) return "its settings are no object";
  const known = SAMPLING_FLAGS.map(({ option }) => option);
  const unknown = Object.keys(settings).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return `there is no setting ${showJson(unknown)}`;
  }
  try {
    resolveOptions(settings as GenerateOptions);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace("Cannot generate: ", "");
  }
}
