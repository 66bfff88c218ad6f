/** From a JSON schema to a grammar of the texts that it allows. */

import { isRecord } from "../special_token.ts";
import { GrammarBuilder, type Part } from "./byte_grammar.ts";
import { ByteMachine } from "./byte_machine.ts";
import { JsonValues } from "./json_values.ts";
import {
  isOfType,
  listOf,
  refuseKeywords,
  saysMore,
  type SchemaObject,
  type TypeName,
  typesOf,
} from "./schema_keywords.ts";
import { mergeSchemas } from "./merge_schemas.ts";
import { schemaError } from "./schema_error.ts";
import {
  arrayPart,
  numberPart,
  objectPart,
  type SchemaPlace,
  stringPart,
} from "./schema_parts.ts";

/** How deep schemas may be nested. */
const DEPTH_LIMIT = 100;

/** The longest schema, in characters of JSON. */
const LENGTH_LIMIT = 1 << 20;

/**
 * Makes the machine of the texts that a schema allows: compact JSON, properties in
 * the schema's order, none that it does not name unless it says so. A space may stand
 * in front, since many tokenizers begin a text with one that is not shown.
 *
 * @param schema The schema; `null` for any object.
 * @returns The machine.
 * @throws {RangeError} If the schema asks for something that cannot be kept to, is too
 * large, or allows nothing; it names the place.
 */
export function jsonMachine(schema: unknown): ByteMachine {
  const grammar = new GrammarBuilder();
  const values = new JsonValues(grammar);
  const root = schema === null
    ? values.object
    : new SchemaReader(values, schema).root();
  const space = grammar.optional(grammar.literal(" "));
  const text = grammar.sequence(space, root);
  const parts = grammar.reachable();
  if (!parts.has(text)) {
    throw schemaError("$", "allows no value at all, wanted at least one");
  }
  return new ByteMachine(grammar.parts, text);
}

/** Reads a schema, part by part. */
class SchemaReader {
  readonly #values: JsonValues;
  readonly #grammar: GrammarBuilder;
  readonly #root: unknown;
  /** Parts of what `$ref` points to. */
  readonly #targets = new Map<string, Part>();
  #depth = 0;

  constructor(values: JsonValues, schema: unknown) {
    if (JSON.stringify(schema).length > LENGTH_LIMIT) {
      throw schemaError("$", `is longer than ${LENGTH_LIMIT} characters`);
    }
    this.#values = values;
    this.#grammar = values.grammar;
    this.#root = schema;
  }

  root(): Part {
    return this.#read(this.#root, "$");
  }

  /** Any schema. */
  #read(schema: unknown, path: string): Part {
    if (schema === true) return this.#values.any;
    if (schema === false) throw schemaError(path, "is false, wanted a value");
    if (!isRecord(schema)) {
      throw schemaError(path, "is no schema, wanted an object");
    }
    if (++this.#depth > DEPTH_LIMIT) {
      throw schemaError(path, `is nested more than ${DEPTH_LIMIT} deep`);
    }
    const part = this.#readObject(schema, path);
    this.#depth--;
    return part;
  }

  #readObject(schema: SchemaObject, path: string): Part {
    refuseKeywords(schema, path);
    const { $ref: ref, allOf, anyOf, oneOf, ...rest } = schema;
    if (ref !== undefined) {
      const { $ref: _, ...others } = schema;
      if (!saysMore(others)) return this.#target(ref, path);
      const target = this.#resolve(ref, path);
      return this.#read(mergeSchemas(target, others, path), path);
    }
    if (allOf !== undefined) {
      const { allOf: _, ...others } = schema;
      const merged = listOf(allOf, `${path}.allOf`).reduce(
        (sum, part) => mergeSchemas(sum, this.#followed(part, path), path),
        others,
      );
      return this.#read(merged, path);
    }
    const key = anyOf !== undefined ? "anyOf" : "oneOf";
    const options = anyOf ?? oneOf;
    if (options !== undefined) {
      const parts = listOf(options, `${path}.${key}`).map((option, i) => {
        const place = `${path}.${key}[${i}]`;
        return this.#read(
          saysMore(rest) ? mergeSchemas(rest, option, place) : option,
          place,
        );
      });
      return this.#grammar.choice(...parts);
    }
    return this.#readValues(schema, path);
  }

  /** A schema that says itself what it allows. */
  #readValues(schema: SchemaObject, path: string): Part {
    const literals = literalsOf(schema, path);
    if (literals !== undefined) {
      const types = schema.type === undefined ? null : typesOf(schema, path);
      const texts = literals
        .filter((value) => types === null || isOfType(value, types))
        .map((value) => JSON.stringify(value));
      if (texts.length === 0) throw schemaError(path, "allows no value");
      return this.#values.oneOf(texts);
    }
    const types = typesOf(schema, path);
    return this.#grammar.choice(
      ...types.map((type) => this.#readType(type, schema, path)),
    );
  }

  #readType(type: TypeName, schema: SchemaObject, path: string): Part {
    const place: SchemaPlace = {
      path,
      values: this.#values,
      read: (inner, path) => this.#read(inner, path),
    };
    switch (type) {
      case "object":
        return objectPart(schema, place);
      case "array":
        return arrayPart(schema, place);
      case "string":
        return stringPart(schema, place);
      case "number":
      case "integer":
        return numberPart(type, schema, place);
      case "boolean":
        return this.#values.boolean;
      case "null":
        return this.#values.null;
    }
  }

  /** What a reference points to, which may point back. */
  #target(ref: unknown, path: string): Part {
    const key = String(ref);
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    const schema = this.#resolve(ref, path);
    return this.#grammar.recursive((self) => {
      this.#targets.set(key, self);
      return this.#read(schema, `$${key.slice(1).replaceAll("/", ".")}`);
    });
  }

  /** A schema; what it points to, if it does nothing else. */
  #followed(schema: unknown, path: string): unknown {
    if (!isRecord(schema) || schema.$ref === undefined) return schema;
    const { $ref: ref, ...others } = schema;
    const target = this.#resolve(ref, path);
    return saysMore(others) ? mergeSchemas(target, others, path) : target;
  }

  #resolve(ref: unknown, path: string): unknown {
    if (typeof ref !== "string" || !/^#(\/|$)/.test(ref)) {
      throw schemaError(
        `${path}.$ref`,
        `is ${
          JSON.stringify(ref)
        }, wanted one within the schema, as in #/$defs/name`,
      );
    }
    let target = this.#root;
    for (const key of ref.split("/").slice(1)) {
      const name = decoded(key).replaceAll("~1", "/").replaceAll("~0", "~");
      const isThere = typeof target === "object" && target !== null &&
        Object.hasOwn(target, name);
      if (!isThere) {
        throw schemaError(
          `${path}.$ref`,
          `points to ${ref}, which is not there`,
        );
      }
      target = (target as Record<string, unknown>)[name];
    }
    return target;
  }
}

/** The values that a schema names one by one, if it does. */
function literalsOf(
  schema: SchemaObject,
  path: string,
): readonly unknown[] | undefined {
  const { enum: values, const: value } = schema;
  if (value !== undefined) return [value];
  if (values === undefined) return undefined;
  const list = listOf(values, `${path}.enum`);
  if (list.length > 0) return list;
  throw schemaError(`${path}.enum`, "is empty, wanted at least one value");
}

/** A part of the address of a schema; as it is if it is not encoded. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
