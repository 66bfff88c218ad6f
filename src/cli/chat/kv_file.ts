/** Keys and values beside the file of a conversation. */

import { dim } from "@std/fmt/colors";
import { formatByteLength } from "../../io/byte_length.ts";
import { counted } from "../../io/counted.ts";
import { oneLine } from "../../io/harmless.ts";
import type { Session } from "./session.ts";

/**
 * Names the file with the keys and values of a conversation.
 *
 * @param path The file of the conversation.
 * @returns The path beside it.
 */
export function kvPath(path: string): string {
  return `${path.replace(/\.json$/, "")}.kv.safetensors`;
}

/**
 * Writes the keys and values of what has run, or takes away those of an earlier
 * state of the conversation.
 *
 * @param path The file of the conversation.
 * @param session The chat.
 * @param isWanted Whether to write them.
 * @throws {Error} If there are none, or they cannot be written.
 */
export async function saveKv(
  path: string,
  { engine, io, conversation }: Pick<Session, "conversation" | "engine" | "io">,
  isWanted: boolean,
): Promise<void> {
  const file = kvPath(path);
  if (!isWanted) {
    const wasThere = await Deno.remove(file).then(() => true, () => false);
    const hint =
      "Its keys and values of before are gone; /save --kv writes them.";
    if (wasThere) io.err(dim(hint) + "\n");
    return;
  }
  if (engine.saveState === undefined) {
    throw new Error(`Cannot save keys and values: ${engine.name} has none`);
  }
  // Nothing of what was taken back, or of another conversation.
  const next = conversation.ask("", { isAgain: false });
  const { tokenCount, byteLength } = await engine.saveState(file, next);
  const amount = formatByteLength(byteLength);
  io.err(
    `Saved keys and values of ${counted(tokenCount, "token")}, ${amount}\n`,
  );
}

/**
 * Reads the keys and values of a conversation, if there are any. Without them the
 * next message takes longer, no more.
 *
 * @param path The file of the conversation.
 * @param session The chat.
 */
export async function loadKv(
  path: string,
  { engine, io }: Pick<Session, "engine" | "io">,
): Promise<void> {
  const file = kvPath(path);
  const isThere = await Deno.stat(file).then(() => true, () => false);
  if (!isThere || engine.loadState === undefined) return;
  try {
    const { tokenCount } = await engine.loadState(file);
    const known = `${counted(tokenCount, "token")} need not be read again.`;
    io.err(dim(`With keys and values: ${known}`) + "\n");
  } catch (error) {
    const message = oneLine((error as Error).message);
    const then = "the next message reads the conversation again";
    io.err(dim(`${message}; ${then}.`) + "\n");
  }
}
