/** What a terminal sends, as keys. */

/** A key that does something, by what it does. */
export type KeyName =
  | "backspace"
  | "clearScreen"
  | "complete"
  | "deleteOrEnd"
  | "delete"
  | "down"
  | "end"
  | "enter"
  | "home"
  | "interrupt"
  | "killLine"
  | "killNextWord"
  | "killToStart"
  | "killWord"
  | "left"
  | "newline"
  | "right"
  | "search"
  | "stopSearch"
  | "up"
  | "wordLeft"
  | "wordRight"
  | "yank";

/** A key, or text that was typed or pasted. */
export type Key = { readonly name: KeyName } | { readonly text: string };

/** Control characters: the keys of Emacs, as shells have them. */
const CONTROLS: Readonly<Record<string, KeyName>> = {
  "\x01": "home",
  "\x02": "left",
  "\x03": "interrupt",
  "\x04": "deleteOrEnd",
  "\x05": "end",
  "\x06": "right",
  "\x07": "stopSearch",
  "\b": "backspace",
  "\t": "complete",
  "\n": "enter",
  "\x0b": "killLine",
  "\f": "clearScreen",
  "\r": "enter",
  "\x0e": "down",
  "\x10": "up",
  "\x12": "search",
  "\x15": "killToStart",
  "\x17": "killWord",
  "\x19": "yank",
  "\x7f": "backspace",
};

/** What follows an escape character. */
const ESCAPED: Readonly<Record<string, KeyName>> = {
  "\r": "newline",
  "\n": "newline",
  "\b": "killWord",
  "\x7f": "killWord",
  b: "wordLeft",
  d: "killNextWord",
  f: "wordRight",
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  "[F": "end",
  "[H": "home",
  OA: "up",
  OB: "down",
  OC: "right",
  OD: "left",
  OF: "end",
  OH: "home",
  "[1~": "home",
  "[3~": "delete",
  "[4~": "end",
  "[7~": "home",
  "[8~": "end",
  "[1;3C": "wordRight",
  "[1;3D": "wordLeft",
  "[1;5C": "wordRight",
  "[1;5D": "wordLeft",
  "[3;5~": "killNextWord",
};

/** Asks a terminal to mark what is pasted. */
export const PASTE_ON = "\x1b[?2004h";

/** Asks a terminal no longer to mark it. */
export const PASTE_OFF = "\x1b[?2004l";

const PASTE_START = "\x1b[200~";
const PASTE_END = "\x1b[201~";

// deno-lint-ignore no-control-regex -- terminals speak in control characters
const SEQUENCE = /^\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~]|[^[O])/su;
// deno-lint-ignore no-control-regex -- the same
const PLAIN = /^[^\0-\x1f\x7f-\x9f]+/;
// deno-lint-ignore no-control-regex -- the same
const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Cuts what a terminal sends into keys. A sequence may come in pieces. */
export class KeyReader {
  /** What has come of a sequence or of pasted text that is not whole. */
  #rest = "";

  /**
   * Takes what has come.
   *
   * @param text The text.
   * @returns The keys that are whole now.
   */
  push(text: string): Key[] {
    this.#rest += text;
    const keys: Key[] = [];
    while (this.#rest !== "") {
      const found = nextKey(this.#rest);
      if (found === undefined) break;
      this.#rest = this.#rest.slice(found.length);
      if (found.key !== undefined) keys.push(found.key);
    }
    return keys;
  }
}

/** The first key and how many characters it takes; none if it is not whole. */
function nextKey(
  text: string,
): { key: Key | undefined; length: number } | undefined {
  if (text.startsWith(PASTE_START)) {
    const end = text.indexOf(PASTE_END);
    if (end < 0) return undefined;
    const pasted = text.slice(PASTE_START.length, end);
    return { key: { text: printable(pasted) }, length: end + PASTE_END.length };
  }
  const [plain] = PLAIN.exec(text) ?? [];
  if (plain !== undefined) {
    return { key: { text: plain }, length: plain.length };
  }
  if (!text.startsWith("\x1b")) {
    return { key: named(CONTROLS[text[0]!]), length: 1 };
  }
  const [sequence] = SEQUENCE.exec(text) ?? [];
  if (sequence === undefined) return undefined;
  return { key: named(ESCAPED[sequence.slice(1)]), length: sequence.length };
}

function named(name: KeyName | undefined): Key | undefined {
  return name === undefined ? undefined : { name };
}

/** Pasted text as it can be shown; terminals send line breaks as CR. */
function printable(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(UNPRINTABLE, "");
}
