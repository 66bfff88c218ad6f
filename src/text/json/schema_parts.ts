import { isRecord } from "../special_token.ts";
import type { Part } from "./byte_grammar.ts";
import { FORMATS } from "./formats.ts";
import type { JsonValues } from "./json_values.ts";
import {
  decimalRange,
  integerRange,
  type NumberRange,
} from "./number_ranges.ts";
import { patternContent } from "./pattern.ts";
import { listOf, type SchemaObject } from "./schema_keywords.ts";
import { schemaError } from "./schema_error.ts";

/** Where a schema stands, and how those within it are read. */
export interface SchemaPlace {
  /** As in `$.properties.x`. */
  readonly path: string;
  /** JSON's parts. */
  readonly values: JsonValues;
  /** Reads a schema within. */
  readonly read: (schema: unknown, path: string) => Part;
}

/**
 * Makes the objects that a schema allows: its properties in its order, then others,
 * if it says that there may be others, or names none.
 *
 * @param schema The schema.
 * @param place Where it stands.
 * @returns The part.
 */
export function objectPart(schema: SchemaObject, place: SchemaPlace): Part {
  const { path, values, read } = place;
  const g = values.grammar;
  const { properties = {}, required = [], additionalProperties } = schema;
  if (!isRecord(properties)) {
    throw schemaError(`${path}.properties`, "is no object");
  }
  const needed = new Set(listOf(required, `${path}.required`));
  const names = Object.keys(properties);
  const unnamed = [...needed].filter((name) =>
    !Object.hasOwn(properties, String(name))
  );
  if (unnamed.length > 0 && additionalProperties === false) {
    throw schemaError(
      `${path}.required`,
      `names ${JSON.stringify(unnamed[0])}, which is not among the properties`,
    );
  }
  // Without a word about others there are none, if any are named.
  const others = additionalProperties ?? names.length + unnamed.length === 0;
  const otherValue = others === false
    ? null
    : read(others, `${path}.additionalProperties`);
  const all = [...names, ...unnamed.map(String)];
  const pair = (key: Part, value: Part) => g.sequence(key, values.colon, value);
  /** What may follow property i; whether one came before decides on a comma. */
  let [first, later] = [g.sequence(), g.sequence()];
  if (otherValue !== null) {
    const other = pair(values.keyExcept(all), otherValue);
    first = values.list(other);
    later = g.repeat(g.sequence(values.comma, other), 0);
  }
  for (const name of all.toReversed()) {
    const place = `${path}.properties.${name}`;
    const value = Object.hasOwn(properties, name)
      ? read(properties[name], place)
      : otherValue ?? values.any;
    const one = pair(g.literal(JSON.stringify(name)), value);
    const taken = later;
    const [alone, behind] = [
      g.sequence(one, taken),
      g.sequence(values.comma, one, taken),
    ];
    if (needed.has(name)) [first, later] = [alone, behind];
    else [first, later] = [g.choice(alone, first), g.choice(behind, later)];
  }
  return g.sequence(g.literal("{"), first, g.literal("}"));
}

/**
 * Makes the lists that a schema allows.
 *
 * @param schema The schema.
 * @param place Where it stands.
 * @returns The part.
 */
export function arrayPart(schema: SchemaObject, place: SchemaPlace): Part {
  const { path, values, read } = place;
  const g = values.grammar;
  const { prefixItems, items } = schema;
  // Before 2020, a list of schemas stood under `items`.
  const isOld = Array.isArray(items);
  const prefix = listOf(
    prefixItems ?? (isOld ? items : []),
    `${path}.prefixItems`,
  );
  const min = countOf(schema, "minItems", path) ?? 0;
  const max = countOf(schema, "maxItems", path) ?? Infinity;
  if (min > max) throw schemaError(path, "has minItems above maxItems");
  const rest = isOld || items === undefined ? true : items;
  const count = Math.min(prefix.length, max);
  let part = g.sequence();
  if (rest !== false && max > count) {
    const item = read(rest, `${path}.items`);
    part = count === 0 ? values.list(item, min, max) : g.repeat(
      g.sequence(values.comma, item),
      Math.max(0, min - count),
      max - count,
    );
  } else if (min > count) {
    throw schemaError(path, "has minItems above the number of its items");
  }
  for (let i = count - 1; i >= 0; i--) {
    const item = read(prefix[i], `${path}.prefixItems[${i}]`);
    const comma = i === 0 ? [] : [values.comma];
    part = g.sequence(...comma, item, part);
    if (i >= min) part = g.optional(part);
  }
  return g.sequence(g.literal("["), part, g.literal("]"));
}

/**
 * Makes the strings that a schema allows: of some lengths, or by a pattern.
 *
 * @param schema The schema.
 * @param place Where it stands.
 * @returns The part.
 */
export function stringPart(schema: SchemaObject, place: SchemaPlace): Part {
  const { path, values } = place;
  const min = countOf(schema, "minLength", path) ?? 0;
  const max = countOf(schema, "maxLength", path) ?? Infinity;
  if (min > max) throw schemaError(path, "has minLength above maxLength");
  const pattern = schema.pattern ?? FORMATS.get(String(schema.format));
  if (pattern === undefined) {
    const { char } = values;
    return values.quoted(values.grammar.repeat(char, min, max));
  }
  const hasFormat = schema.pattern !== undefined &&
    FORMATS.has(String(schema.format));
  const hasLength = schema.minLength !== undefined ||
    schema.maxLength !== undefined;
  if (hasFormat || hasLength) {
    throw schemaError(
      path,
      "has a pattern or format together with another one or a length, wanted one of them",
    );
  }
  try {
    const content = patternContent(values, String(pattern));
    return values.quoted(content);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw schemaError(`${path}.pattern`, `cannot be kept to: ${error.message}`);
  }
}

/**
 * Makes the numbers that a schema allows.
 *
 * @param type Whether they are integers.
 * @param schema The schema.
 * @param place Where it stands.
 * @returns The part.
 */
export function numberPart(
  type: "number" | "integer",
  schema: SchemaObject,
  place: SchemaPlace,
): Part {
  const { path, values } = place;
  const { multipleOf = 1 } = schema;
  const isInteger = type === "integer";
  if (multipleOf !== 1 || (schema.multipleOf === 1 && !isInteger)) {
    throw schemaError(path, `has "multipleOf", wanted none`);
  }
  const range = numberRange(schema, { isInteger, path });
  if (range.min === -Infinity && range.max === Infinity) {
    return isInteger ? values.integer : values.number;
  }
  const part = isInteger
    ? integerRange(values, range)
    : decimalRange(values, range);
  if (part === null) throw schemaError(path, "has a minimum above its maximum");
  return part;
}

/** A count such as `minItems`, if there is one. */
function countOf(
  schema: SchemaObject,
  keyword: string,
  path: string,
): number | undefined {
  const value = schema[keyword];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) {
    return value;
  }
  throw schemaError(
    `${path}.${keyword}`,
    `is ${JSON.stringify(value)}, wanted an integer from 0 to 2^53 - 1`,
  );
}

/** Which numbers a schema allows; of others than integers, between integers only. */
function numberRange(
  schema: SchemaObject,
  { isInteger, path }: { isInteger: boolean; path: string },
): NumberRange {
  const bound = (keyword: string) => {
    const value = schema[keyword];
    if (value === undefined || typeof value === "number") return value;
    throw schemaError(
      `${path}.${keyword}`,
      `is ${JSON.stringify(value)}, wanted a number`,
    );
  };
  const [above, below] = [bound("exclusiveMinimum"), bound("exclusiveMaximum")];
  const [least = -Infinity, most = Infinity] = [
    bound("minimum"),
    bound("maximum"),
  ];
  if (isInteger) {
    return {
      min: Math.max(Math.ceil(least), Math.floor(above ?? -Infinity) + 1),
      max: Math.min(Math.floor(most), Math.ceil(below ?? Infinity) - 1),
    };
  }
  const isWhole = (value: number) =>
    !Number.isFinite(value) || Number.isInteger(value);
  if (above !== undefined || below !== undefined) {
    throw schemaError(
      path,
      "has an exclusive bound for numbers that are no integers, wanted minimum and maximum",
    );
  }
  if (isWhole(least) && isWhole(most)) return { min: least, max: most };
  throw schemaError(
    path,
    "has a bound that is no integer, wanted integers as bounds",
  );
}
