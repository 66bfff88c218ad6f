/** What keys make of a line of text. It knows no terminal. */

import { graphemes } from "../text_width.ts";
import { FENCE, isFenceOpen } from "./line_reader.ts";
import type { Key, KeyName } from "./keys.ts";
import { findInHistory } from "./history_search.ts";

/** A text that is being typed. */
export interface EditorState {
  /** The text; it may have several lines. */
  readonly text: string;
  /** Where the cursor is: characters of `text` before it. */
  readonly cursor: number;
  /** What was deleted last by words or lines. */
  readonly killed: string;
  /** Which text of the history it is, the latest is 0; -1 is a new one. */
  readonly entry: number;
  /** The new text, while one of the history is shown. */
  readonly draft: string;
  /** What is looked for in the history, if anything. */
  readonly search: Search | null;
}

/** A search in the history. */
export interface Search {
  /** What is looked for. */
  readonly query: string;
  /** The text that was found; -1 is none. */
  readonly entry: number;
}

/** What is to happen after a key. */
export type EditorEffect =
  | "submit"
  | "end"
  | "interrupt"
  | "complete"
  | "clear";

/** The state after a key, and what is to happen. */
export interface Pressed {
  /** The state. */
  readonly state: EditorState;
  /** What is to happen, if anything. */
  readonly effect?: EditorEffect;
}

/** An empty text. */
export const EMPTY: EditorState = {
  text: "",
  cursor: 0,
  killed: "",
  entry: -1,
  draft: "",
  search: null,
};

/**
 * Presses a key.
 *
 * @param state What there is.
 * @param key The key.
 * @param history Earlier texts, the latest first.
 * @returns What there is then.
 */
export function press(
  state: EditorState,
  key: Key,
  history: readonly string[],
): Pressed {
  if (state.search !== null) return searchOn(state, key, history);
  if ("text" in key) return { state: insert(state, key.text) };
  const effect = effectOf(state, key.name);
  if (effect !== undefined) return { state, effect };
  return { state: edit(state, key.name, history) };
}

/**
 * Puts text where the cursor is.
 *
 * @param state What there is.
 * @param text The text.
 * @returns What there is then; the cursor is behind it.
 */
export function insert(state: EditorState, text: string): EditorState {
  return {
    ...state,
    text: state.text.slice(0, state.cursor) + text +
      state.text.slice(state.cursor),
    cursor: state.cursor + text.length,
  };
}

function effectOf(
  { text, cursor }: EditorState,
  name: KeyName,
): EditorEffect | undefined {
  switch (name) {
    case "enter":
      return isContinued(text, cursor) ? undefined : "submit";
    case "deleteOrEnd":
      return text === "" ? "end" : undefined;
    case "interrupt":
      return "interrupt";
    case "complete":
      return "complete";
    case "clearScreen":
      return "clear";
    default:
      return undefined;
  }
}

/** Whether Enter begins a line: after `\`, or between `"""`. */
function isContinued(text: string, cursor: number): boolean {
  if (text.trimStart().startsWith(FENCE)) return isFenceOpen(text);
  return cursor === text.length && text.endsWith("\\");
}

function edit(
  state: EditorState,
  name: KeyName,
  history: readonly string[],
): EditorState {
  const { text, cursor } = state;
  switch (name) {
    case "enter":
      return text[cursor - 1] === "\\" && !text.trimStart().startsWith(FENCE)
        ? insert(cut(state, cursor - 1, cursor), "\n")
        : insert(state, "\n");
    case "newline":
      return insert(state, "\n");
    case "left":
      return { ...state, cursor: before(text, cursor) };
    case "right":
      return { ...state, cursor: after(text, cursor) };
    case "home":
      return { ...state, cursor: lineStart(text, cursor) };
    case "end":
      return { ...state, cursor: lineEnd(text, cursor) };
    case "wordLeft":
      return { ...state, cursor: wordStart(text, cursor) };
    case "wordRight":
      return { ...state, cursor: wordEnd(text, cursor) };
    case "backspace":
      return cut(state, before(text, cursor), cursor);
    case "delete":
    case "deleteOrEnd":
      return cut(state, cursor, after(text, cursor));
    case "killLine": {
      const end = lineEnd(text, cursor);
      return kill(state, cursor, end === cursor ? after(text, end) : end);
    }
    case "killToStart":
      return kill(state, lineStart(text, cursor), cursor);
    case "killWord":
      return kill(state, spacedWordStart(text, cursor), cursor);
    case "killNextWord":
      return kill(state, cursor, wordEnd(text, cursor));
    case "yank":
      return insert(state, state.killed);
    case "search":
      return { ...state, search: { query: "", entry: -1 } };
    case "up":
      return moveUp(state) ?? recall(state, state.entry + 1, history);
    case "down":
      return moveDown(state) ?? recall(state, state.entry - 1, history);
    default:
      return state;
  }
}

function cut(state: EditorState, from: number, to: number): EditorState {
  const text = state.text.slice(0, from) + state.text.slice(to);
  return { ...state, text, cursor: from };
}

function kill(state: EditorState, from: number, to: number): EditorState {
  if (from === to) return state;
  return { ...cut(state, from, to), killed: state.text.slice(from, to) };
}

/** Shows a text of the history; what was typed is kept as the draft. */
function recall(
  state: EditorState,
  entry: number,
  history: readonly string[],
): EditorState {
  if (entry < -1 || entry >= history.length) return state;
  const draft = state.entry < 0 ? state.text : state.draft;
  const text = history[entry] ?? draft;
  return { ...state, text, draft, entry, cursor: text.length };
}

/** Up within a text of several lines; nothing on the first. */
function moveUp(state: EditorState): EditorState | undefined {
  const { text, cursor } = state;
  const start = lineStart(text, cursor);
  if (start === 0) return undefined;
  const column = graphemes(text.slice(start, cursor)).length;
  return {
    ...state,
    cursor: atColumn(text, lineStart(text, start - 1), column),
  };
}

/** Down within a text of several lines; nothing on the last. */
function moveDown(state: EditorState): EditorState | undefined {
  const { text, cursor } = state;
  const end = lineEnd(text, cursor);
  if (end === text.length) return undefined;
  const column = graphemes(text.slice(lineStart(text, cursor), cursor)).length;
  return { ...state, cursor: atColumn(text, end + 1, column) };
}

function atColumn(text: string, start: number, column: number): number {
  const line = text.slice(start, lineEnd(text, start));
  return start + graphemes(line).slice(0, column).join("").length;
}

function lineStart(text: string, cursor: number): number {
  return cursor === 0 ? 0 : text.lastIndexOf("\n", cursor - 1) + 1;
}

function lineEnd(text: string, cursor: number): number {
  const end = text.indexOf("\n", cursor);
  return end < 0 ? text.length : end;
}

function before(text: string, cursor: number): number {
  return cursor - (graphemes(text.slice(0, cursor)).at(-1)?.length ?? 0);
}

function after(text: string, cursor: number): number {
  return cursor + (graphemes(text.slice(cursor))[0]?.length ?? 0);
}

function wordStart(text: string, cursor: number): number {
  return startOfLast(/[\p{L}\p{N}\p{M}]+/gu, text.slice(0, cursor));
}

function wordEnd(text: string, cursor: number): number {
  const [word = ""] =
    /^[^\p{L}\p{N}\p{M}]*[\p{L}\p{N}\p{M}]*/u.exec(text.slice(cursor)) ?? [];
  return cursor + word.length;
}

/** Where what stands between spaces begins, as Ctrl-W of shells has it. */
function spacedWordStart(text: string, cursor: number): number {
  return startOfLast(/\S+/g, text.slice(0, cursor));
}

/** Where the last match begins; 0 if there is none. */
function startOfLast(pattern: RegExp, text: string): number {
  return Array.from(text.matchAll(pattern)).at(-1)?.index ?? 0;
}

/** A key while the history is searched: all but a few end that. */
function searchOn(
  state: EditorState,
  key: Key,
  history: readonly string[],
): Pressed {
  const { query, entry } = state.search!;
  const look = (query: string, from: number) => ({
    state: {
      ...state,
      search: { query, entry: findInHistory(history, query, from) },
    },
  });
  if ("text" in key) return look(query + key.text, Math.max(0, entry));
  switch (key.name) {
    case "search": {
      const next = findInHistory(history, query, entry + 1);
      return next < 0 ? { state } : look(query, next);
    }
    case "backspace":
      return look(graphemes(query).slice(0, -1).join(""), 0);
    case "interrupt":
    case "stopSearch":
      return { state: { ...state, search: null } };
    default: {
      const found = { ...state, search: null };
      return press(
        entry < 0 ? found : recall(found, entry, history),
        key,
        history,
      );
    }
  }
}
