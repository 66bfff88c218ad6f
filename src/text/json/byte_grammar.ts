/** One of the 256 bytes: which of them may come. */
export type ByteSet = Uint32Array<ArrayBuffer>; // (8) words of 32 bits

/**
 * A part of a grammar, by its number. Parts refer to each other, also to
 * themselves, so that what they describe may be nested.
 */
export type Part = number;

/** What a part may be. */
export type PartKind =
  | { readonly kind: "bytes"; readonly set: ByteSet }
  | { readonly kind: "sequence"; readonly parts: readonly Part[] }
  | { readonly kind: "choice"; readonly parts: readonly Part[] }
  | {
    readonly kind: "repeat";
    readonly part: Part;
    readonly min: number;
    readonly max: number;
  };

/** The most parts; more would take too long to go through. */
const PART_LIMIT = 200_000;

/**
 * Builds a grammar of bytes: a context-free one, whose parts are sets of bytes,
 * sequences, choices and repetitions.
 */
export class GrammarBuilder {
  readonly #parts: PartKind[] = [];
  readonly #literals = new Map<string, Part>();

  /** All parts, by their numbers. */
  get parts(): readonly PartKind[] {
    return this.#parts;
  }

  /** One byte out of ranges of bytes, both ends included. */
  bytes(...ranges: readonly (readonly [number, number])[]): Part {
    const set: ByteSet = new Uint32Array(8);
    for (const [first, last] of ranges) {
      for (let byte = first; byte <= last; byte++) {
        set[byte >> 5]! |= 1 << (byte & 31);
      }
    }
    return this.#add({ kind: "bytes", set });
  }

  /** A text as it stands. */
  literal(text: string): Part {
    const known = this.#literals.get(text);
    if (known !== undefined) return known;
    const bytes = [...new TextEncoder().encode(text)];
    const part = this.sequence(
      ...bytes.map((byte) => this.bytes([byte, byte])),
    );
    this.#literals.set(text, part);
    return part;
  }

  /** One part after the other; none of them is the empty text. */
  sequence(...parts: readonly Part[]): Part {
    if (parts.length === 1) return parts[0]!;
    return this.#add({ kind: "sequence", parts });
  }

  /** Any one of several parts. */
  choice(...parts: readonly Part[]): Part {
    if (parts.length === 1) return parts[0]!;
    return this.#add({ kind: "choice", parts });
  }

  /** A part or nothing. */
  optional(part: Part): Part {
    return this.repeat(part, 0, 1);
  }

  /** A part so many times; it must not match the empty text. */
  repeat(part: Part, min: number, max = Infinity): Part {
    return this.#add({ kind: "repeat", part, min, max });
  }

  /**
   * A part that is made later, so that it may be a part of itself.
   *
   * @param make Makes it; called at once, with the part's number.
   * @returns The part.
   */
  recursive(make: (self: Part) => Part): Part {
    const self = this.#add({ kind: "choice", parts: [] });
    this.#parts[self] = { kind: "choice", parts: [make(self)] };
    return self;
  }

  /**
   * Finds the parts that match any text at all, and takes the others out of choices
   * and repetitions, so that no text runs into a dead end.
   *
   * @returns Those that do.
   */
  reachable(): ReadonlySet<Part> {
    const found = new Set<Part>();
    const isFound = (part: PartKind): boolean => {
      switch (part.kind) {
        case "bytes":
          return part.set.some((word) => word !== 0);
        case "sequence":
          return part.parts.every((one) => found.has(one));
        case "choice":
          return part.parts.some((one) => found.has(one));
        case "repeat":
          return part.min === 0 || found.has(part.part);
      }
    };
    for (let before = -1; before < found.size;) {
      before = found.size;
      this.#parts.forEach((part, i) => {
        if (!found.has(i) && isFound(part)) found.add(i);
      });
    }
    this.#parts.forEach((part, i) => {
      if (part.kind === "choice") {
        const parts = part.parts.filter((one) => found.has(one));
        this.#parts[i] = { kind: "choice", parts };
      } else if (part.kind === "repeat" && !found.has(part.part)) {
        this.#parts[i] = { ...part, max: 0 };
      }
    });
    return found;
  }

  #add(part: PartKind): Part {
    if (this.#parts.length >= PART_LIMIT) {
      throw new RangeError(
        `Cannot constrain to the schema: it has more than ${PART_LIMIT} parts, wanted a smaller one`,
      );
    }
    return this.#parts.push(part) - 1;
  }
}
