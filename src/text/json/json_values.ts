import type { GrammarBuilder, Part } from "./byte_grammar.ts";
import { complement, jsonChar, PRINTABLE } from "./json_chars.ts";

/** The most digits of an integer, of a fraction and of an exponent. */
const DIGITS = { integer: 16, fraction: 16, exponent: 2 };

/**
 * The parts of JSON that are the same in all schemas. Texts are compact, but for
 * one space that may stand behind `,` and `:`, since a model that may write any
 * space can go on with it for ever.
 */
export class JsonValues {
  readonly grammar: GrammarBuilder;
  /** `,` and perhaps a space. */
  readonly comma: Part;
  /** `:` and perhaps a space. */
  readonly colon: Part;
  /** A character within a string. */
  readonly char: Part;
  /** Any string. */
  readonly string: Part;
  /** A digit. */
  readonly digit: Part;
  /** What may follow the digits of an integer to make it a fraction. */
  readonly fraction: Part;
  /** Any integer. */
  readonly integer: Part;
  /** Any number. */
  readonly number: Part;
  /** `true` or `false`. */
  readonly boolean: Part;
  /** `null`. */
  readonly null: Part;
  /** Any value. */
  readonly any: Part;
  /** Any object. */
  readonly object: Part;

  /**
   * Makes the parts.
   *
   * @param grammar Where they go.
   */
  constructor(grammar: GrammarBuilder) {
    const g = grammar;
    this.grammar = g;
    const space = g.optional(g.literal(" "));
    this.comma = g.sequence(g.literal(","), space);
    this.colon = g.sequence(g.literal(":"), space);
    this.char = jsonChar(g, PRINTABLE);
    this.string = this.quoted(g.repeat(this.char, 0));
    this.digit = g.bytes([0x30, 0x39]);
    const natural = g.choice(
      g.literal("0"),
      g.sequence(
        g.bytes([0x31, 0x39]),
        g.repeat(this.digit, 0, DIGITS.integer - 1),
      ),
    );
    this.integer = g.sequence(g.optional(g.literal("-")), natural);
    this.fraction = g.sequence(
      g.literal("."),
      g.repeat(this.digit, 1, DIGITS.fraction),
    );
    const exponent = g.sequence(
      g.bytes([0x45, 0x45], [0x65, 0x65]),
      g.optional(g.bytes([0x2b, 0x2b], [0x2d, 0x2d])),
      g.repeat(this.digit, 1, DIGITS.exponent),
    );
    this.number = g.sequence(
      this.integer,
      g.optional(this.fraction),
      g.optional(exponent),
    );
    this.boolean = g.choice(g.literal("true"), g.literal("false"));
    this.null = g.literal("null");
    let object: Part | undefined;
    this.any = g.recursive((any) => {
      const pair = g.sequence(this.string, this.colon, any);
      object = g.sequence(g.literal("{"), this.list(pair), g.literal("}"));
      const array = g.sequence(g.literal("["), this.list(any), g.literal("]"));
      return g.choice(
        object,
        array,
        this.string,
        this.number,
        this.boolean,
        this.null,
      );
    });
    this.object = object!;
  }

  /** A string with this between its quotes. */
  quoted(content: Part): Part {
    const quote = this.grammar.literal('"');
    return this.grammar.sequence(quote, content, quote);
  }

  /** A part so many times, with commas between. */
  list(part: Part, min = 0, max = Infinity): Part {
    const g = this.grammar;
    if (max < 1) return g.sequence();
    const more = g.repeat(
      g.sequence(this.comma, part),
      Math.max(0, min - 1),
      max - 1,
    );
    const list = g.sequence(part, more);
    return min > 0 ? list : g.optional(list);
  }

  /** Any of some texts, of which as much is shared as there is in common. */
  oneOf(texts: readonly string[]): Part {
    const g = this.grammar;
    const groups = Map.groupBy(
      new Set(texts),
      (text) => text.codePointAt(0) ?? -1,
    );
    return g.choice(
      ...[...groups.values()].map((group) => {
        if (group.length === 1) return g.literal(group[0]!);
        const common = commonStart(group);
        const rests = group.map((text) => text.slice(common.length));
        return g.sequence(g.literal(common), this.oneOf(rests));
      }),
    );
  }

  /** A string that is none of some names. */
  keyExcept(names: readonly string[]): Part {
    const codes = names.map((name) =>
      [...name].map((char) => char.codePointAt(0)!)
    );
    return this.grammar.sequence(
      this.grammar.literal('"'),
      this.#restExcept(codes),
    );
  }

  /** The rest of a string, with its quote, that is none of some rests. */
  #restExcept(rests: readonly (readonly number[])[]): Part {
    const g = this.grammar;
    const quote = g.literal('"');
    const open = rests.filter((rest) => rest.length > 0);
    const groups = Map.groupBy(open, ([first]) => first!);
    const others = complement(
      [...groups.keys()].map((code) => [code, code] as const),
      PRINTABLE,
    );
    const parts = [
      g.sequence(jsonChar(g, others), g.repeat(this.char, 0), quote),
      ...[...groups].map(([code, group]) =>
        g.sequence(
          jsonChar(g, [[code, code]]),
          this.#restExcept(group.map((rest) => rest.slice(1))),
        )
      ),
    ];
    if (open.length === rests.length) parts.push(quote);
    return g.choice(...parts);
  }
}

/** The longest text that all begin with, of whole characters. */
function commonStart(texts: readonly string[]): string {
  const chars = [...texts[0]!];
  let length = 0;
  for (const char of chars) {
    const end = length + char.length;
    if (!texts.every((text) => text.slice(length, end) === char)) break;
    length = end;
  }
  return texts[0]!.slice(0, length);
}
