import { isRecord } from "../special_token.ts";
import { decides, type SchemaObject } from "./schema_keywords.ts";
import { schemaError } from "./schema_error.ts";

/**
 * Puts two schemas together into one that both allow.
 *
 * @param first A schema.
 * @param second Another one.
 * @param path Where they stand.
 * @returns The schema.
 * @throws {RangeError} If both say something else about the same.
 */
export function mergeSchemas(
  first: unknown,
  second: unknown,
  path: string,
): SchemaObject {
  if (first === true && isRecord(second)) return second;
  if (second === true && isRecord(first)) return first;
  if (!isRecord(first) || !isRecord(second)) {
    throw schemaError(
      path,
      "puts together what are no schemas, wanted objects",
    );
  }
  refuseOutsiders(first, second, path);
  refuseOutsiders(second, first, path);
  const merged: Record<string, unknown> = { ...first };
  for (const [keyword, value] of Object.entries(second)) {
    const other = merged[keyword];
    merged[keyword] = other === undefined || equal(other, value)
      ? value
      : mergeKeyword(keyword, [other, value], path);
  }
  return merged;
}

function mergeKeyword(
  keyword: string,
  [a, b]: readonly [unknown, unknown],
  path: string,
): unknown {
  switch (keyword) {
    case "required":
      return [...new Set([...a as string[], ...b as string[]])];
    case "properties":
      return mergeProperties(a as SchemaObject, b as SchemaObject);
    case "type": {
      const [mine, yours] = [[a].flat(), [b].flat()];
      const both = mine.filter((name) => yours.includes(name));
      if (both.length > 0) return both;
      break;
    }
    case "enum":
      return (a as unknown[]).filter((value) =>
        (b as unknown[]).some((other) => equal(value, other))
      );
    case "minimum":
    case "exclusiveMinimum":
    case "minLength":
    case "minItems":
      return Math.max(a as number, b as number);
    case "maximum":
    case "exclusiveMaximum":
    case "maxLength":
    case "maxItems":
      return Math.min(a as number, b as number);
    case "allOf":
      return [...a as unknown[], ...b as unknown[]];
  }
  if (!decides(keyword)) return b;
  throw schemaError(
    path,
    `puts together two schemas with another "${keyword}", wanted one`,
  );
}

function mergeProperties(a: SchemaObject, b: SchemaObject): SchemaObject {
  const merged: Record<string, unknown> = { ...a };
  for (const [name, schema] of Object.entries(b)) {
    merged[name] = Object.hasOwn(merged, name) && !equal(merged[name], schema)
      ? { allOf: [merged[name], schema] }
      : schema;
  }
  return merged;
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * What one schema says of properties that it does not name holds for those that the
 * other one names.
 */
function refuseOutsiders(
  strict: SchemaObject,
  other: SchemaObject,
  path: string,
): void {
  const { properties = {}, additionalProperties } = strict;
  if (additionalProperties === undefined || additionalProperties === true) {
    return;
  }
  const outsider = Object.keys(other.properties ?? {})
    .find((name) => !Object.hasOwn(properties as SchemaObject, name));
  if (outsider === undefined) return;
  throw schemaError(
    path,
    `has additionalProperties beside another schema with the property ${
      JSON.stringify(outsider)
    }, wanted all properties in one place`,
  );
}
