/**
 * What was typed into chats, from one run to the next: a file with a JSON string
 * for each text, the oldest first. Chats that run side by side add to the same
 * file, each after the other.
 */

import { dirname, join } from "@std/path";
import { fileError } from "../../io/file_error.ts";
import { writeAll } from "../../io/write_whole.ts";

/** Texts that are kept. */
export const HISTORY_LIMIT = 1000;

/** The longest text that is kept, in characters. */
const TEXT_LIMIT = 20_000;

/** The file may hold this many times as many lines before it is cut. */
const SLACK = 2;

/** The texts that were typed, the latest first. */
export class PromptHistory {
  /** The texts, the latest first. */
  readonly texts: string[];
  /** `null` if nothing is kept, or nothing can be. */
  #path: string | null;

  private constructor(path: string | null, texts: string[]) {
    this.#path = path;
    this.texts = texts;
  }

  /**
   * Opens the history. A file that cannot be read counts as empty: a chat is to
   * begin all the same.
   *
   * @param home Our folder; `null` keeps nothing.
   * @returns The history.
   */
  static async open(home: string | null): Promise<PromptHistory> {
    if (home === null) return new PromptHistory(null, []);
    const path = join(home, "chat_history.jsonl");
    const lines = await Deno.readTextFile(path).catch(() => "");
    return new PromptHistory(path, parseHistory(lines).reverse());
  }

  /**
   * Adds a text, unless it is the latest already.
   *
   * @param text The text.
   * @returns Why neither it nor what follows is kept for the next run; nothing if all
   * is well, or that has been said.
   */
  async add(text: string): Promise<string | undefined> {
    if (text.trim() === "" || text === this.texts[0]) return;
    this.texts.unshift(text);
    this.texts.splice(HISTORY_LIMIT);
    if (this.#path === null || text.length > TEXT_LIMIT) return;
    try {
      await append(this.#path, text);
    } catch (error) {
      const { message } = fileError(`write ${this.#path}`, error);
      this.#path = null;
      return message;
    }
  }
}

/**
 * Reads the lines of a history.
 *
 * @param lines The content of the file; lines that hold no JSON string are left
 * out, such as one that a crash cut.
 * @returns The last texts, the oldest first; the latest of equal neighbours.
 */
export function parseHistory(lines: string): string[] {
  const texts: string[] = [];
  for (const line of lines.split("\n")) {
    const text = parseLine(line);
    if (text !== undefined && text !== texts.at(-1)) texts.push(text);
  }
  return texts.slice(-HISTORY_LIMIT);
}

function parseLine(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "string" && value !== "" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Adds a line, alone with the file, and cuts it if it got too long. */
async function append(path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  // Only its owner may read what was said.
  const options = { read: true, write: true, create: true, mode: 0o600 };
  using file = await Deno.open(path, options);
  await file.lock(true);
  const { size } = await file.stat();
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) break;
    at += count;
  }
  const content = new TextDecoder().decode(bytes);
  const isCut = content !== "" && !content.endsWith("\n"); // by a crash
  const line = `${isCut ? "\n" : ""}${JSON.stringify(text)}\n`;
  const encoder = new TextEncoder();
  if (content.split("\n").length <= SLACK * HISTORY_LIMIT) {
    await writeAll(file, encoder.encode(line));
    return;
  }
  const kept = parseHistory(content + line).map((text) => JSON.stringify(text));
  const whole = encoder.encode(kept.join("\n") + "\n");
  // Cut last: killed in between, the file holds some texts twice, but all.
  await file.seek(0, Deno.SeekMode.Start);
  await writeAll(file, whole);
  await file.truncate(whole.length);
}
