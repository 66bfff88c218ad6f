import { isRecord } from "../special_token.ts";
import { schemaError } from "./schema_error.ts";

/** A JSON schema that is an object. */
export type SchemaObject = Readonly<Record<string, unknown>>;

/** The types of JSON Schema. */
export const TYPES = [
  "object",
  "array",
  "string",
  "number",
  "integer",
  "boolean",
  "null",
] as const;

/** A type of JSON Schema. */
export type TypeName = typeof TYPES[number];

/** Which keywords are about which type. */
export const KEYWORDS: Readonly<Record<string, readonly TypeName[]>> = {
  properties: ["object"],
  required: ["object"],
  additionalProperties: ["object"],
  items: ["array"],
  prefixItems: ["array"],
  minItems: ["array"],
  maxItems: ["array"],
  minLength: ["string"],
  maxLength: ["string"],
  pattern: ["string"],
  format: ["string"],
  minimum: ["number", "integer"],
  maximum: ["number", "integer"],
  exclusiveMinimum: ["number", "integer"],
  exclusiveMaximum: ["number", "integer"],
  multipleOf: ["number", "integer"],
};

/** Keywords that put schemas together. */
export const COMBINERS = ["$ref", "allOf", "anyOf", "oneOf"] as const;

/** Keywords that change what is valid, and cannot be kept to. */
const REFUSED = [
  "not",
  "if",
  "then",
  "else",
  "contains",
  "minContains",
  "maxContains",
  "uniqueItems",
  "patternProperties",
  "propertyNames",
  "minProperties",
  "maxProperties",
  "dependentRequired",
  "dependentSchemas",
  "dependencies",
  "additionalItems",
  "unevaluatedProperties",
  "unevaluatedItems",
  "$dynamicRef",
  "$recursiveRef",
];

/**
 * Refuses keywords that cannot be kept to. Those that the standard does not know
 * change nothing.
 *
 * @param schema The schema.
 * @param path Where it stands.
 * @throws {RangeError} If it has one.
 */
export function refuseKeywords(schema: SchemaObject, path: string): void {
  for (const keyword of REFUSED) {
    const value = schema[keyword];
    if (value === undefined || value === false) continue;
    const known = [...Object.keys(KEYWORDS), ...COMBINERS, "enum", "const"];
    throw schemaError(
      path,
      `has "${keyword}", wanted none but ${known.join(", ")}`,
    );
  }
}

/**
 * Which types a schema allows: those that it names, else those that its keywords are
 * about, else all.
 *
 * @param schema The schema.
 * @param path Where it stands.
 * @returns The types; integers are numbers, too, and not named twice.
 * @throws {RangeError} If it names what is no type.
 */
export function typesOf(schema: SchemaObject, path: string): TypeName[] {
  const { type, nullable } = schema;
  const names = type === undefined ? [] : Array.isArray(type) ? type : [type];
  const unknown = names.find((name) => !TYPES.includes(name));
  if (unknown !== undefined || (type !== undefined && names.length === 0)) {
    throw schemaError(
      `${path}.type`,
      `is ${JSON.stringify(type)}, wanted one or more of ${TYPES.join(", ")}`,
    );
  }
  const types = new Set<TypeName>(
    names.length > 0 ? names : impliedTypes(schema),
  );
  if (nullable === true && types.size > 0) types.add("null");
  if (types.size === 0) {
    return TYPES.filter((name) => name !== "integer");
  }
  if (types.has("number")) types.delete("integer");
  return [...types];
}

function impliedTypes(schema: SchemaObject): TypeName[] {
  const found = Object.keys(KEYWORDS)
    .filter((keyword) => schema[keyword] !== undefined)
    .map((keyword) => KEYWORDS[keyword]![0]!);
  return [...new Set(found)];
}

/**
 * Whether a schema says what is valid by itself, apart from what it is put together
 * of.
 *
 * @param schema The schema.
 * @returns Whether it does.
 */
export function saysMore(schema: SchemaObject): boolean {
  return Object.keys(schema).some((keyword) => decides(keyword));
}

/**
 * Whether a keyword decides what is valid.
 *
 * @param keyword The keyword.
 * @returns `false` for those that only describe.
 */
export function decides(keyword: string): boolean {
  const others = ["type", "enum", "const", "nullable", ...COMBINERS];
  return Object.hasOwn(KEYWORDS, keyword) || others.includes(keyword);
}

/**
 * Whether a value is of one of some types.
 *
 * @param value A JSON value.
 * @param types The types.
 * @returns Whether it is.
 */
export function isOfType(value: unknown, types: readonly TypeName[]): boolean {
  return types.some((type) => {
    switch (type) {
      case "object":
        return isRecord(value);
      case "array":
        return Array.isArray(value);
      case "null":
        return value === null;
      case "integer":
        return Number.isInteger(value);
      case "number":
        return typeof value === "number";
      case "string":
        return typeof value === "string";
      case "boolean":
        return typeof value === "boolean";
    }
  });
}

/**
 * Takes a list.
 *
 * @param value What should be one.
 * @param path Where it stands.
 * @returns The list.
 * @throws {RangeError} If it is none.
 */
export function listOf(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw schemaError(path, "is no list, wanted one");
}
