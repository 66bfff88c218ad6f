/** Where conversations lie. */

import { basename, dirname, join } from "@std/path";

const SUFFIX = ".json";

/**
 * Finds the folder of saved conversations.
 *
 * @param home Our folder.
 * @returns The path; there may be nothing yet.
 */
export function chatsFolder(home: string): string {
  return join(home, "chats");
}

/**
 * Finds the file of a conversation.
 *
 * @param name A path if it has a slash, else a name in our folder.
 * @param home Our folder; `null` if there is none.
 * @param homeOfUser What `~` stands for, if that is known.
 * @returns The path.
 * @throws {Error} If there is no folder for names.
 */
export function chatPath(
  name: string,
  home: string | null,
  homeOfUser?: string,
): string {
  const isPath = /[/\\]/.test(name);
  if (isPath) return expanded(name, homeOfUser);
  if (home === null) {
    throw new Error(
      `Cannot find a folder for ${name}: the system names none, wanted a path, or a folder in MOENO_HOME`,
    );
  }
  const file = name.endsWith(SUFFIX) ? name : name + SUFFIX;
  return join(chatsFolder(home), file);
}

/**
 * Names a conversation that nobody named.
 *
 * @param date When it was saved.
 * @returns For example `chat-2026-11-26-051500`, in local time.
 */
export function nameByDate(date: Date): string {
  const part = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `chat-${day.map(part).join("-")}-${time.map(part).join("")}`;
}

/**
 * Lists saved conversations.
 *
 * @param home Our folder; `null` if there is none.
 * @returns Their names, sorted.
 */
export async function savedNames(home: string | null): Promise<string[]> {
  if (home === null) return [];
  const names = await entries(chatsFolder(home));
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length));
}

/**
 * Lists paths that begin as a text does.
 *
 * @param start The text, with a slash.
 * @param homeOfUser What `~` stands for, if that is known.
 * @returns The paths, sorted; those of folders end in a slash.
 */
export async function pathsFrom(
  start: string,
  homeOfUser?: string,
): Promise<string[]> {
  const folder = start.endsWith("/") ? start : `${dirname(start)}/`;
  const typed = start.endsWith("/") ? "" : basename(start);
  const prefix = start.slice(0, start.length - typed.length);
  const names = await entries(expanded(folder, homeOfUser));
  // Hidden files only for those who ask for them.
  return names
    .filter((name) => name.startsWith(typed))
    .filter((name) => typed !== "" || !name.startsWith("."))
    .map((name) => prefix + name);
}

function expanded(path: string, homeOfUser?: string): string {
  return homeOfUser === undefined
    ? path
    : path.replace(/^~(?=[/\\])/, homeOfUser);
}

/**
 * Names in a folder, sorted, those of folders with a slash; none if it is none. Names
 * that a terminal cannot show are left out: nobody can type them.
 */
async function entries(folder: string): Promise<string[]> {
  try {
    const found = await Array.fromAsync(Deno.readDir(folder));
    return found
      .filter(({ name }) => !/\p{Cc}/u.test(name))
      .map(({ name, isDirectory }) => isDirectory ? `${name}/` : name)
      .sort();
  } catch {
    return [];
  }
}
