import type { Part } from "./byte_grammar.ts";
import {
  type CharRange,
  complement,
  jsonChar,
  PRINTABLE,
} from "./json_chars.ts";
import type { JsonValues } from "./json_values.ts";

const DIGIT: CharRange[] = [[0x30, 0x39]];
const WORD: CharRange[] = [...DIGIT, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACE: CharRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: CharRange[] = [[0x0a, 0x0a], [0x0d, 0x0d], [0x2028, 0x2029]];

/** What `\d`, `\w` and `\s` are, and their opposites. */
const CLASSES: Readonly<Record<string, readonly CharRange[]>> = {
  d: DIGIT,
  w: WORD,
  s: SPACE,
  D: complement(DIGIT),
  W: complement(WORD),
  S: complement(SPACE),
};

const CONTROLS: Readonly<Record<string, number>> = {
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  f: 0x0c,
  v: 0x0b,
  0: 0,
};

/** The most repetitions that a pattern may ask for. */
const MOST_REPEATS = 10_000;

/**
 * Makes the content of the JSON strings that match a regular expression: of
 * characters, classes, groups, alternatives and quantifiers; `^` and `$` at its
 * ends only. Without these, anything may stand before and after, as in JSON Schema.
 *
 * @param values JSON's parts.
 * @param pattern The expression, as in JavaScript with the flag `u`.
 * @returns The part.
 * @throws {SyntaxError} If it is no expression, or has something else in it.
 */
export function patternContent(values: JsonValues, pattern: string): Part {
  new RegExp(pattern, "u"); // says what is wrong better than we could
  return new PatternReader(values, pattern).whole();
}

class PatternReader {
  readonly #values: JsonValues;
  readonly #chars: readonly string[];
  #at = 0;

  constructor(values: JsonValues, pattern: string) {
    this.#values = values;
    this.#chars = [...pattern];
  }

  /** Alternatives, each with its own `^` and `$`. */
  whole(): Part {
    const { grammar: g, char } = this.#values;
    const parts: Part[] = [];
    do {
      const isStart = this.#take("^");
      const content = this.#sequence();
      const isEnd = this.#take("$");
      const any = g.repeat(char, 0);
      parts.push(
        g.sequence(...isStart ? [] : [any], content, ...isEnd ? [] : [any]),
      );
    } while (this.#take("|"));
    if (this.#peek() !== undefined) this.#refuse(this.#peek()!);
    return g.choice(...parts);
  }

  #alternatives(): Part {
    const parts = [this.#sequence()];
    while (this.#take("|")) parts.push(this.#sequence());
    return this.#values.grammar.choice(...parts);
  }

  #sequence(): Part {
    const parts: Part[] = [];
    while (true) {
      const char = this.#peek();
      if (char === undefined || "|)$".includes(char)) break;
      parts.push(this.#quantified(this.#atom()));
    }
    return this.#values.grammar.sequence(...parts);
  }

  #quantified(part: Part): Part {
    const g = this.#values.grammar;
    let result = part;
    if (this.#take("*")) result = g.repeat(part, 0);
    else if (this.#take("+")) result = g.repeat(part, 1);
    else if (this.#take("?")) result = g.repeat(part, 0, 1);
    else if (this.#take("{")) {
      const [min, comma, max] = [
        this.#number(),
        this.#take(","),
        this.#number(),
      ];
      this.#take("}");
      const most = comma ? max ?? Infinity : min!;
      if (min! > MOST_REPEATS || (most > MOST_REPEATS && most !== Infinity)) {
        this.#refuse(`more than ${MOST_REPEATS} repetitions`);
      }
      result = g.repeat(part, min!, most);
    } else return part;
    this.#take("?"); // lazy or not, the same texts match
    return result;
  }

  #atom(): Part {
    const g = this.#values.grammar;
    const char = this.#next();
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return jsonChar(g, this.#set());
      case ".":
        return jsonChar(g, allowed(complement(LINE_ENDS)));
      case "\\":
        return jsonChar(g, this.#escape());
      case "^":
        return this.#refuse("^ in the middle");
      default:
        return jsonChar(g, [single(char)]);
    }
  }

  #group(): Part {
    if (this.#take("?")) {
      const kind = this.#next();
      if (kind === "<" && !"=!".includes(this.#peek()!)) {
        while (this.#next() !== ">");
      } else if (kind !== ":") this.#refuse(`(?${kind}`);
    }
    const part = this.#alternatives();
    if (!this.#take(")")) this.#refuse(this.#peek()!);
    return part;
  }

  /** What stands between brackets. */
  #set(): CharRange[] {
    const isOpposite = this.#take("^");
    const ranges: CharRange[] = [];
    while (!this.#take("]")) {
      const first = this.#member();
      const isRange = this.#peek() === "-" && this.#chars[this.#at + 1] !== "]";
      if (!isRange) {
        ranges.push(...first);
        continue;
      }
      this.#take("-");
      ranges.push([first[0]![0], this.#member()[0]![1]]);
    }
    return isOpposite ? allowed(complement(ranges)) : ranges;
  }

  #member(): readonly CharRange[] {
    const char = this.#next();
    return char === "\\" ? this.#escape() : [single(char)];
  }

  #escape(): readonly CharRange[] {
    const char = this.#next();
    if (Object.hasOwn(CLASSES, char)) {
      const ranges = CLASSES[char]!;
      return char === char.toUpperCase() ? allowed(ranges) : ranges;
    }
    if (Object.hasOwn(CONTROLS, char)) {
      return [[CONTROLS[char]!, CONTROLS[char]!]];
    }
    if (char === "x") return [this.#hex(2)];
    if (char === "u") {
      if (!this.#take("{")) return [this.#hex(4)];
      let digits = "";
      for (let next = this.#next(); next !== "}"; next = this.#next()) {
        digits += next;
      }
      const code = parseInt(digits, 16);
      return [[code, code]];
    }
    // With the flag u, only signs can be escaped besides.
    if (/[\p{L}\p{N}]/u.test(char)) this.#refuse(`\\${char}`);
    return [single(char)];
  }

  #hex(length: number): CharRange {
    let digits = "";
    for (let i = 0; i < length; i++) digits += this.#next();
    const code = parseInt(digits, 16);
    return [code, code];
  }

  #number(): number | undefined {
    let digits = "";
    while (/\d/.test(this.#peek() ?? "")) digits += this.#next();
    return digits === "" ? undefined : Number(digits);
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #next(): string {
    return this.#chars[this.#at++]!;
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #refuse(what: string): never {
    throw new SyntaxError(
      `the pattern has ${what}, wanted characters, classes, groups, | and quantifiers, and ^ and $ at its ends only`,
    );
  }
}

function single(char: string): CharRange {
  const code = char.codePointAt(0)!;
  return [code, code];
}

/** Opposites leave control characters out, which no one means. */
function allowed(ranges: readonly CharRange[]): CharRange[] {
  return complement(complement(ranges), PRINTABLE);
}
