import { isRecord } from "../../text/special_token.ts";
import { Fields, type JsonObject, wrongField } from "./fields.ts";

/** A function that every answer to a request calls. */
export interface ForcedCall {
  /** Its name. */
  readonly name: string;
  /** The JSON schema of its arguments. */
  readonly parameters: JsonObject;
  /** What OpenAI's API gives as the reason why such an answer ends. */
  readonly finishReason: "stop" | "tool_calls";
}

/**
 * Takes `tools` and `tool_choice`. A function that has to be called is, since answers
 * can be held to the schema of its arguments. But nobody tells the model of functions,
 * so it neither calls one by itself nor chooses among several.
 *
 * @param fields The request.
 * @returns The function; `undefined` if none is asked for.
 * @throws {ApiError} If a field is of the wrong type, or the model would have to choose.
 */
export function forcedCall(fields: Fields): ForcedCall | undefined {
  if (fields.list("functions")?.length) {
    throw fields.wrong("functions", "tools and tool_choice in place of them");
  }
  const tools = fields.list("tools") ?? [];
  const choice = fields.any("tool_choice");
  if (choice === "none") return undefined;
  if (choice === undefined || choice === "auto") {
    if (tools.length === 0) return undefined;
    throw fields.wrong(
      "tools",
      "none, or one that tool_choice names: the model calls none by itself",
    );
  }
  const functions = tools.map(functionOf);
  if (choice === "required" && functions.length === 1) {
    return { ...functions[0]!, finishReason: "tool_calls" };
  }
  const name = nameOf(fields);
  const named = functions.find((each) => each.name === name);
  if (named !== undefined) return { ...named, finishReason: "stop" };
  throw fields.wrong(
    "tool_choice",
    "none, auto, or to name a function of tools; required if there is one only",
  );
}

function functionOf(
  tool: unknown,
  i: number,
): Omit<ForcedCall, "finishReason"> {
  const path = `tools[${i}]`;
  if (!isRecord(tool)) throw wrongField(path, tool, "an object");
  const declared = functionFields(new Fields(tool, `${path}.`));
  const name = declared.string("name");
  if (!name) throw declared.wrong("name", "a string");
  const parameters = declared.object("parameters") ?? { properties: {} };
  return { name, parameters: { type: "object", ...parameters } };
}

/** The function that `tool_choice` names, if it is an object. */
function nameOf(fields: Fields): string | undefined {
  if (!isRecord(fields.any("tool_choice"))) return undefined;
  return functionFields(fields.fields("tool_choice")!).string("name");
}

function functionFields(fields: Fields): Fields {
  if (fields.string("type") !== "function") {
    throw fields.wrong("type", '"function"');
  }
  const inner = fields.fields("function");
  if (inner === undefined) throw fields.wrong("function", "an object");
  return inner;
}
