import type { GenerateOptions } from "../../engine/options.ts";
import type { Fields } from "./fields.ts";

/**
 * Takes `response_format`: what the answer has to be.
 *
 * @param fields The request.
 * @returns For `GenerateOptions.responseFormat`.
 * @throws {ApiError} If it is none.
 */
export function responseFormat(
  fields: Fields,
): GenerateOptions["responseFormat"] {
  const format = fields.fields("response_format");
  if (format === undefined) return undefined;
  const type = format.string("type");
  switch (type) {
    case "text":
    case "json_object":
      return { type };
    case "json_schema": {
      const given = format.fields("json_schema");
      given?.boolean("strict"); // it is kept to in any case
      const schema = given?.any("schema");
      if (schema === undefined) {
        throw format.wrong("json_schema", 'an object with a "schema"');
      }
      return { type, schema: schema as Record<string, unknown> };
    }
    default:
      throw format.wrong("type", '"text", "json_object" or "json_schema"');
  }
}
