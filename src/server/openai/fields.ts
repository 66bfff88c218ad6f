import { describeRange, isInRange, type Range } from "../../engine/options.ts";
import { showJson } from "../../io/show_json.ts";
import { isRecord } from "../../text/special_token.ts";
import { ApiError } from "../http/api_error.ts";

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The fields of a JSON object, each checked as it is taken. `null` counts as not
 * given, as in OpenAI's API; fields that nobody asks for are ignored.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { Fields } from "./fields.ts";
 *
 * const fields = new Fields({ temperature: "hot", seed: 7 });
 * assertEquals(fields.number("seed", { integer: true }), 7);
 * assertThrows(
 *   () => fields.number("temperature", { min: 0 }),
 *   Error,
 *   'Cannot answer: temperature is "hot", wanted a number of at least 0',
 * );
 * ```
 */
export class Fields {
  readonly #object: JsonObject;
  readonly #path: string;

  /**
   * Constructs the view of an object.
   *
   * @param object The object.
   * @param path What stands before its fields' names in messages, as in
   * `stream_options.`.
   */
  constructor(object: JsonObject, path = "") {
    this.#object = object;
    this.#path = path;
  }

  /**
   * Takes a number.
   *
   * @param name The field.
   * @param range The numbers that it may be.
   * @returns The number, or `undefined` if it is not given.
   */
  number(name: string, range: Range): number | undefined {
    const value = this.#get(name);
    if (value === undefined || isInRange(value, range)) return value;
    throw this.wrong(name, describeRange(range));
  }

  /** Takes `true` or `false`. */
  boolean(name: string): boolean | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.wrong(name, "true or false");
  }

  /** Takes a text. */
  string(name: string): string | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === "string") return value;
    throw this.wrong(name, "a string");
  }

  /** Takes a text or a list of texts, none of them empty. */
  strings(name: string): string[] | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    const list = Array.isArray(value) ? value : [value];
    if (list.every((text) => typeof text === "string" && text !== "")) {
      return list;
    }
    throw this.wrong(name, "a string or a list of strings, none of them empty");
  }

  /** Takes a list. */
  list(name: string): readonly unknown[] | undefined {
    const value = this.#get(name);
    if (value === undefined || Array.isArray(value)) return value;
    throw this.wrong(name, "a list");
  }

  /** Takes an object, as it is. */
  object(name: string): JsonObject | undefined {
    const value = this.#get(name);
    if (value === undefined || isRecord(value)) return value;
    throw this.wrong(name, "an object");
  }

  /** Takes an object, as fields. */
  fields(name: string): Fields | undefined {
    const object = this.object(name);
    return object && new Fields(object, `${this.#path}${name}.`);
  }

  /** Takes whatever it is. */
  any(name: string): unknown {
    return this.#get(name);
  }

  /**
   * Makes the error about a field.
   *
   * @param name The field.
   * @param wanted What it may be.
   * @returns An error with status 400 that names the field.
   */
  wrong(name: string, wanted: string): ApiError {
    return wrongField(this.#path + name, this.#get(name), wanted);
  }

  #get(name: string): unknown {
    if (!Object.hasOwn(this.#object, name)) return undefined;
    return this.#object[name] ?? undefined;
  }
}

/**
 * Makes the error about a value at a place.
 *
 * @param param The place, as in `messages[0].role`.
 * @param value What stands there.
 * @param wanted What may stand there.
 * @returns An error with status 400.
 */
export function wrongField(
  param: string,
  value: unknown,
  wanted: string,
): ApiError {
  const state = showJson(value);
  return new ApiError(`Cannot answer: ${param} is ${state}, wanted ${wanted}`, {
    status: 400,
    param,
    code: "invalid_value",
  });
}
