/** Commands that keep conversations in files. */

import { dim } from "@std/fmt/colors";
import { dirname } from "@std/path";
import { counted } from "../../io/counted.ts";
import { fileError } from "../../io/file_error.ts";
import { harmlessText, oneLine } from "../../io/harmless.ts";
import { PROCESS_ENVIRONMENT } from "../../io/home.ts";
import { readPlainText } from "../../io/plain_file.ts";
import { writeAll, writeWhole } from "../../io/write_whole.ts";
import { UsageError } from "../usage_error.ts";
import { chatPath, nameByDate, pathsFrom, savedNames } from "./chat_files.ts";
import { loadKv, saveKv } from "./kv_file.ts";
import { formatChat, parseChat } from "./saved_chat.ts";
import type { ChatCommand, Outcome, Session } from "./session.ts";

/** `/save`: the conversation to a file. */
export const SAVE: ChatCommand = {
  name: "save",
  value: "[--force] [--kv] [name]",
  help: "Keep the chat, --kv with keys and values",
  run: save,
  complete: completeFile,
};

/** `/load`: a conversation from a file. */
export const LOAD: ChatCommand = {
  name: "load",
  value: "[name]",
  help: "Go on with a saved chat; no name: list",
  run: load,
  complete: completeFile,
};

async function save(value: string, session: Session): Promise<Outcome> {
  const { io, conversation, generate, engine } = session;
  const { force: isForced, kv: isWithKv, name } = parseSave(value);
  if (conversation.turnCount === 0) {
    io.err("There is nothing to save yet.\n");
    return "continue";
  }
  const path = name === ""
    ? session.path ?? filePath(nameByDate(new Date()), session)
    : filePath(name, session);
  if (path !== session.path && !isForced && await exists(path)) {
    throw new Error(
      `Cannot save to ${path}: it is there already, wanted another name, or /save --force`,
    );
  }
  const text = formatChat({
    model: engine.name,
    system: conversation.system,
    settings: generate,
    messages: conversation.messages,
  });
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(`make ${dirname(path)}`, error);
  }
  const bytes = new TextEncoder().encode(text);
  await writeWhole(path, (file) => writeAll(file, bytes), { isPrivate: true });
  session.path = path;
  io.err(`Saved ${counted(conversation.turnCount, "turn")} to ${path}\n`);
  await saveKv(path, session, isWithKv);
  return "continue";
}

/** The flags before a name, which may have spaces in it. */
function parseSave(value: string): {
  force: boolean;
  kv: boolean;
  name: string;
} {
  const given = { force: false, kv: false, name: value };
  while (given.name.startsWith("--")) {
    const [, flag, rest = ""] = /^--(\S*)\s*(.*)$/s.exec(given.name)!;
    if (flag !== "force" && flag !== "kv") {
      throw new UsageError(
        `/save is given --${flag}, wanted --force, --kv or a name`,
      );
    }
    given[flag] = true;
    given.name = rest;
  }
  return given;
}

async function load(value: string, session: Session): Promise<Outcome> {
  const { io, conversation } = session;
  if (value === "") {
    const names = await savedNames(session.home);
    io.err(
      names.length === 0
        ? "No conversation was saved yet; /save keeps this one.\n"
        : names.map((name) => `  ${name}\n`).join(""),
    );
    return "continue";
  }
  const path = filePath(value, session);
  const chat = parseChat(await readText(path), path);
  const replaced = conversation.turnCount;
  conversation.system = chat.system;
  conversation.replace(chat.messages);
  const isSetAnew = JSON.stringify(chat.settings) !==
    JSON.stringify(session.generate);
  session.generate = chat.settings;
  session.path = path;
  const instead = replaced === 0
    ? ""
    : `, in place of ${counted(replaced, "turn")}`;
  io.err(`Loaded ${counted(conversation.turnCount, "turn")}${instead}.\n`);
  const last = chat.messages.at(-1);
  if (last !== undefined) {
    io.err(dim(`Last answer: ${harmlessText(last.content)}`) + "\n");
  }
  if (isSetAnew) {
    io.err(dim("Settings are as they were then; /set shows them.") + "\n");
  }
  await loadKv(path, session);
  const { name } = session.engine;
  if (chat.model !== "" && chat.model !== name) {
    const other = oneLine(chat.model);
    io.err(dim(`${other} answered then; ${name} answers now.`) + "\n");
  }
  return "continue";
}

function filePath(name: string, { home }: Session): string {
  return chatPath(name, home, homeOfUser());
}

function homeOfUser(): string | undefined {
  return PROCESS_ENVIRONMENT.variable("HOME");
}

async function readText(path: string): Promise<string> {
  try {
    return await readPlainText(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw fileError(`load ${path}`, error);
    }
    throw new Error(
      `Cannot load ${path}: there is no such file; /load lists what was saved`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function completeFile(
  start: string,
  { home }: Session,
): Promise<string[]> {
  if (/[/\\]/.test(start)) return await pathsFrom(start, homeOfUser());
  const names = await savedNames(home);
  return names.filter((name) => name.startsWith(start));
}
