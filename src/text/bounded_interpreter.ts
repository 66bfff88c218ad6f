/**
 * Jinja templates, within bounds.
 *
 * @module
 */
import { type Environment, Interpreter } from "@huggingface/jinja";

/** A part of a template. */
type Statement = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;

/** What a part of a template becomes. */
type Value = ReturnType<Interpreter["evaluate"]>;

/** The longest text, in UTF-16 code units: more than any context holds. */
const MAX_TEXT_LENGTH = 1 << 22;

/** The longest list. */
const MAX_LIST_LENGTH = 1 << 20;

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
 * of time and of size. Everything a template does goes through `evaluate()`.
 */
export class BoundedInterpreter extends Interpreter {
  readonly #end: number;
  readonly #timeoutMs: number;
  /** Arguments that are widths. */
  readonly #widths = new WeakSet<object>();
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

  #check({ type, value }: Value): void {
    if (type === "StringValue" && (value as string).length > MAX_TEXT_LENGTH) {
      throw new TemplateBoundError(
        `it makes a text of ${
          (value as string).length
        } characters, wanted at most ${MAX_TEXT_LENGTH}`,
      );
    }
    if (type !== "ArrayValue" && type !== "TupleValue") return;
    this.#look(); // whoever walks through it evaluates nothing
    const { length } = value as unknown[];
    if (length > MAX_LIST_LENGTH) {
      throw new TemplateBoundError(
        `it makes a list of ${length}, wanted at most ${MAX_LIST_LENGTH}`,
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
