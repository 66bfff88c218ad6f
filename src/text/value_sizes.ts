/**
 * How large the values of a template are.
 *
 * @module
 */
import type { Interpreter } from "@huggingface/jinja";

/** A value of a template. */
export type Value = ReturnType<Interpreter["evaluate"]>;

/**
 * Measures values as they are when written out: characters, and values within
 * values. Lists share what is in them, so that a loop of forty rounds makes a list of
 * 2^40 elements in no time, and whoever writes it out never ends.
 *
 * Only namespaces change after they are made. Anything else is measured once, since
 * no namespace may be in it.
 */
export class ValueSizes {
  readonly #known = new WeakMap<Value, number>();

  /**
   * Whether a value was measured before.
   *
   * @param value The value.
   * @returns Whether it was; never of a namespace.
   */
  has(value: Value): boolean {
    return this.#known.has(value);
  }

  /**
   * Measures a value.
   *
   * @param value The value.
   * @returns The length of a text; of a list and the like the sum over what is in it.
   * @throws {Error} If a namespace is in it.
   */
  of(value: Value): number {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (value.type === "NamespaceValue") return this.#sum(value);
    const size = value.type === "StringValue"
      ? (value.value as string).length
      : this.#sum(value);
    this.#known.set(value, size);
    return size;
  }

  #sum({ value }: Value): number {
    let size = 1;
    if (Array.isArray(value)) {
      for (const item of value as Value[]) size += this.#inside(item);
    } else if (value instanceof Map) {
      for (const [key, item] of value as Map<string, Value>) {
        size += key.length + this.#inside(item);
      }
    }
    return size;
  }

  #inside(value: Value): number {
    const { type, value: inner } = value;
    if (typeof inner === "string") return 1 + inner.length;
    if (typeof inner !== "object" || inner === null) return 1;
    if (type === "NamespaceValue") {
      throw new Error("it puts a namespace into another value");
    }
    return this.of(value);
  }
}
