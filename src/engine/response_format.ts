/**
 * What a text has to be: anything, a JSON object, or JSON of a schema. Of JSON Schema
 * there are types, properties, items, lengths and ranges, enum, const, patterns without
 * lookaround, anyOf, oneOf (as anyOf), allOf and references within the schema; others
 * that would change what is valid are refused. Properties come in the schema's order.
 */
export type ResponseFormat =
  | { readonly type: "text" }
  | { readonly type: "json_object" }
  | {
    readonly type: "json_schema";
    readonly schema: Readonly<Record<string, unknown>>;
  };
