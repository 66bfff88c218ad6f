/**
 * Jinja templates, within bounds.
 *
 * @module
 */
import { type Environment, Interpreter } from "@huggingface/jinja";
import { type Value, ValueSizes } from "./value_sizes.ts";

/** A part of a template. */
type Statement = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;

/** The longest text, in UTF-16 code units: more than any context holds. */
const MAX_TEXT_LENGTH = 1 << 22;

/** The longest list. */
const MAX_LIST_LENGTH = 1 << 20;

/** The largest value, with all that is in it, as one writes it out. */
const MAX_VALUE_SIZE = 1 << 23;

/** What one run may make in all, in bytes, also if it lets go of it. */
const MAX_TOTAL_BYTE_LENGTH = 1 << 28;

/** Texts that are shorter are gone sooner than they are counted. */
const MIN_COUNTED_LENGTH = 256;

/** Bytes of an element of a list: more if it is new, less if others have it, too. */
const ELEMENT_BYTE_LENGTH = 32;

/** The widest indentation. */
const MAX_INDENT = 1000;

/** Parts within parts: the stack holds more, and the library hides that it is full. */
const MAX_DEPTH = 500;

/** Parts between two looks at the clock. */
const STEPS_PER_LOOK = 32;

/** Filters whose numbers are widths. */
const INDENTING = ["indent", "tojson"];

/** A template asks for more than it may. */
export class TemplateBoundError extends Error {
  /** Which kind of error it is. */
  override name = "TemplateBoundError";
}

/**
 * Runs templates, whose loops and texts may grow beyond all measure, up to a limit
 * of time and of size. Everything a template does goes through `evaluate()`, and is
 * looked at when it is done: until then one part, such as `replace()`, can make the
 * longest text that the engine holds, of 2^29 characters.
 */
export class BoundedInterpreter extends Interpreter {
  readonly #end: number;
  readonly #timeoutMs: number;
  /** Arguments that are widths. */
  readonly #widths = new WeakSet<object>();
  readonly #sizes = new ValueSizes();
  #totalByteLength = 0;
  #steps = 0;
  #depth = 0;

  /**
   * Constructs one, for one run.
   *
   * @param environment What the template can name.
   * @param timeoutMs How long it may run.
   */
  constructor(environment: Environment, timeoutMs: number) {
    super(environment);
    this.#timeoutMs = timeoutMs;
    this.#end = performance.now() + timeoutMs;
  }

  /**
   * Evaluates a part.
   *
   * @param statement The part.
   * @param environment What it can name.
   * @returns What it becomes.
   * @throws {TemplateBoundError} If it becomes too large, or time is up.
   */
  override evaluate(
    statement: Statement | undefined,
    environment: Environment,
  ): Value {
    if (++this.#steps % STEPS_PER_LOOK === 0) this.#look();
    if (statement?.type === "FilterExpression") this.#findWidths(statement);
    if (++this.#depth > MAX_DEPTH) {
      throw new TemplateBoundError("it is nested too deeply, or calls itself");
    }
    let value: Value;
    try {
      value = super.evaluate(statement, environment);
    } finally {
      this.#depth--;
    }
    this.#check(value);
    if (statement !== undefined && this.#widths.has(statement)) {
      if (Number(value.value) > MAX_INDENT) {
        throw new TemplateBoundError(
          `it indents by ${value.value}, wanted at most ${MAX_INDENT}`,
        );
      }
    }
    return value;
  }

  #look(): void {
    if (performance.now() <= this.#end) return;
    throw new TemplateBoundError(
      `it takes longer than ${this.#timeoutMs / 1000} s, wanted less`,
    );
  }

  #check(made: Value): void {
    const { value } = made;
    if (typeof value === "string") {
      const { length } = value;
      if (length > MAX_TEXT_LENGTH) {
        throw tooLarge("text", length, MAX_TEXT_LENGTH);
      }
      if (length < MIN_COUNTED_LENGTH || this.#sizes.has(made)) return;
      this.#sizes.of(made);
      this.#count(length);
    } else if (Array.isArray(value)) {
      this.#look(); // whoever walks through it evaluates nothing
      if (this.#sizes.has(made)) return;
      const { length } = value;
      if (length > MAX_LIST_LENGTH) {
        throw tooLarge("list", length, MAX_LIST_LENGTH);
      }
      this.#count(length * ELEMENT_BYTE_LENGTH);
      this.#checkSize(made);
    } else if (value instanceof Map) {
      this.#checkSize(made);
    }
  }

  #checkSize(value: Value): void {
    const size = this.#sizes.of(value);
    if (size > MAX_VALUE_SIZE) throw tooLarge("value", size, MAX_VALUE_SIZE);
  }

  #count(byteLength: number): void {
    this.#totalByteLength += byteLength;
    if (this.#totalByteLength > MAX_TOTAL_BYTE_LENGTH) {
      throw new TemplateBoundError(
        `it makes more than ${
          MAX_TOTAL_BYTE_LENGTH >> 20
        } MiB of texts and lists, wanted less`,
      );
    }
  }

  #findWidths(statement: Statement): void {
    const { filter } = statement as unknown as {
      filter: { callee?: { value?: string }; args?: { value?: unknown }[] };
    };
    if (!INDENTING.includes(filter.callee?.value ?? "")) return;
    for (const argument of filter.args ?? []) {
      this.#widths.add(argument);
      // That of a keyword, as in `indent(width=4)`.
      const { value } = argument;
      if (typeof value === "object" && value !== null) this.#widths.add(value);
    }
  }
}

function tooLarge(
  what: "text" | "list" | "value",
  size: number,
  limit: number,
): TemplateBoundError {
  const unit = what === "list" ? "elements" : "characters";
  return new TemplateBoundError(
    `it makes a ${what} of ${size} ${unit}, wanted at most ${limit}`,
  );
}
