/**
 * JSON, read as strictly as the reference reader of safetensors reads it.
 *
 * `JSON.parse` keeps the last of two equal keys and takes `1.0` for an
 * integer, so that a file could mean one thing here and another elsewhere.
 *
 * @module
 */
import { showJson } from "./show_json.ts";

/** A JSON value. Objects are maps, so that no key is special. */
export type StrictJson =
  | null
  | boolean
  | number
  | string
  | StrictJson[]
  | Map<string, StrictJson>;

/** As deep as the reference reader goes. */
const MAX_DEPTH = 127;

const LITERAL_VALUES = new Map<string, null | boolean>([
  ["null", null],
  ["true", true],
  ["false", false],
]);

/** Options for {@linkcode parseStrictJson}. */
export interface StrictJsonOptions {
  /**
   * Reads the text of a number. As a default only integers are read; any other
   * number (`1.5`, `1e3`, `1.0`, `-0`) is `NaN`, because no field of a header may
   * hold one.
   */
  number?: (token: string) => number;
  /** Says for errors where a character is. */
  where?: (position: number) => string;
}

/**
 * Parses JSON text.
 *
 * @param text The text.
 * @param file What to call the text in errors.
 * @param options What numbers there may be, and how to say where an error is.
 * @returns The value.
 * @throws {SyntaxError} If the text is not JSON, has a key twice in one
 * object, holds half a surrogate pair, or is nested deeper than 127 levels.
 */
export function parseStrictJson(
  text: string,
  file: string,
  { number = integer, where = inHeader }: StrictJsonOptions = {},
): StrictJson {
  let position = 0;
  let depth = 0;

  const value = readValue();
  skipSpace();
  if (position < text.length) throw unexpected("the end");
  return value;

  function readValue(): StrictJson {
    skipSpace();
    const character = text[position];
    if (character === "{") return nested(readObject);
    if (character === "[") return nested(readArray);
    if (character === '"') return readString();
    const token = match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|[a-z]+/y);
    const literal = LITERAL_VALUES.get(token);
    if (literal !== undefined) return literal;
    if (!/^[-\d]/.test(token)) {
      position -= token.length;
      throw unexpected("a value");
    }
    return number(token);
  }

  function nested<T>(read: () => T): T {
    if (++depth > MAX_DEPTH) throw unexpected("less nesting");
    position++;
    const result = read();
    depth--;
    return result;
  }

  function readObject(): Map<string, StrictJson> {
    const object = new Map<string, StrictJson>();
    skipSpace();
    if (skip("}")) return object;
    while (true) {
      skipSpace();
      if (text[position] !== '"') throw unexpected("a key");
      const key = readString();
      if (object.has(key)) {
        throw new SyntaxError(
          `Cannot read ${file}: key ${
            showJson(key)
          } occurs twice, wanted it once`,
        );
      }
      skipSpace();
      if (!skip(":")) throw unexpected("':'");
      object.set(key, readValue());
      skipSpace();
      if (skip("}")) return object;
      if (!skip(",")) throw unexpected("',' or '}'");
    }
  }

  function readArray(): StrictJson[] {
    const array: StrictJson[] = [];
    skipSpace();
    if (skip("]")) return array;
    while (true) {
      array.push(readValue());
      skipSpace();
      if (skip("]")) return array;
      if (!skip(",")) throw unexpected("',' or ']'");
    }
  }

  function readString(): string {
    const start = position;
    let end = start + 1;
    while (end < text.length && text[end] !== '"') {
      end += text[end] === "\\" ? 2 : 1;
    }
    let string: unknown;
    try {
      string = JSON.parse(text.slice(start, end + 1)); // escapes, control characters
    } catch {
      throw unexpected("a string");
    }
    if (typeof string !== "string" || !string.isWellFormed()) {
      throw unexpected("a string");
    }
    position = end + 1;
    return string;
  }

  function match(pattern: RegExp): string {
    pattern.lastIndex = position;
    const token = pattern.exec(text)?.[0];
    if (token === undefined) throw unexpected("a value");
    position += token.length;
    return token;
  }

  function skip(character: string): boolean {
    if (text[position] !== character) return false;
    position++;
    return true;
  }

  function skipSpace(): void {
    while (/[ \t\n\r]/.test(text.charAt(position))) position++;
  }

  function unexpected(wanted: string): SyntaxError {
    const state = position < text.length
      ? `found ${showJson(text.slice(position, position + 20))}`
      : "JSON ends";
    return new SyntaxError(
      `Cannot read ${file}: ${state} at ${where(position)}, wanted ${wanted}`,
    );
  }
}

function integer(token: string): number {
  return /^(?:0|-?[1-9]\d*)$/.test(token) ? Number(token) : NaN;
}

function inHeader(position: number): string {
  return `character ${position} of the header`;
}
