/** Requests to the server, whose engine is made up. */

import fc from "npm:fast-check@4.11.0";
import { assert, assertEquals } from "@std/assert";
import { fakeEngine } from "../../src/server/_fake_engine.ts";
import { serve, type Server } from "../../src/server/serve.ts";
import { mutatedBytes, mutatedText } from "./_mutated_bytes.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { assertClear } from "./_outcome.ts";
import type { Target, Verdict } from "./_target.ts";

const MESSAGES = [{ role: "user", content: "Hello" }];

const SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 5, pattern: "^a+b?$" },
    size: { type: "integer", minimum: 1, maximum: 99 },
    tags: { type: "array", items: { enum: ["x", "y"] }, maxItems: 2 },
    next: { anyOf: [{ $ref: "#/$defs/n" }, { type: "null" }] },
  },
  required: ["name", "size"],
  additionalProperties: false,
  $defs: { n: { type: "number", multipleOf: 2 } },
};

const ODD_SCHEMAS = [
  { type: "string", pattern: "(a{1000}){1000}" },
  { type: "string", pattern: "((a*)*)*$" },
  { type: "string", minLength: 1e6 },
  { type: "array", minItems: 1e9, items: { type: "null" } },
  { $ref: "#" },
  { anyOf: [{ $ref: "#" }] },
  { $defs: { a: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" },
  { allOf: Array(20).fill({ anyOf: [{ type: "string" }, { type: "null" }] }) },
  { enum: Array.from({ length: 5000 }, (_, i) => `k${i}`) },
  { type: "integer", minimum: -1e300, maximum: 1e300 },
  { type: "number", minimum: 1e-300, exclusiveMaximum: 5e-324 },
];

const CHAT = {
  ...{ model: "fake", messages: MESSAGES, max_tokens: 6, seed: 5 },
  ...{ temperature: 0.7, top_p: 0.9, top_k: 5, min_p: 0, n: 1 },
  ...{ stop: ["z"], stream: false, logprobs: true, top_logprobs: 2 },
  ...{ logit_bias: { "300": 1 }, repetition_penalty: 1.1 },
  ...{ presence_penalty: 0, frequency_penalty: 0, tools: [], user: "u" },
};

const BASES = [
  CHAT,
  {
    ...{ messages: MESSAGES, max_tokens: 9 },
    ...{ stream: true, stream_options: { include_usage: true } },
  },
  {
    ...{ messages: MESSAGES, max_tokens: 9 },
    "response_format": {
      type: "json_schema",
      "json_schema": { name: "n", strict: true, schema: SCHEMA },
    },
  },
  {
    ...{ messages: MESSAGES, max_tokens: 9, "tool_choice": "required" },
    tools: [{ type: "function", function: { name: "f", parameters: SCHEMA } }],
  },
  { prompt: "Once", max_tokens: 5, logprobs: 1, echo: false, suffix: null },
  { prompt: [1, 300, 400], max_tokens: 3, stream: true },
];

/** A request. */
interface Input {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | Uint8Array<ArrayBuffer>;
}

const PATHS = [
  ...["/v1/chat/completions", "/v1/chat/completions", "/v1/completions"],
];

const ODD_PATHS = [
  ...["/", "/v1/models", "/v1/models/fake", "/v1/models/%00", "/metrics"],
  ...["/health", "/../../etc/passwd", "/%2e%2e/x", "//x", "/v1/", "/tokenize"],
  ...["/v1/chat/completions?x=1", "/v1/models/%ff", "/v1/models/__proto__"],
];

const inputs: fc.Arbitrary<Input> = fc.record({
  method: fc.oneof(
    { weight: 9, arbitrary: fc.constant("POST") },
    {
      weight: 1,
      arbitrary: fc.constantFrom("GET", "HEAD", "PUT", "OPTIONS", "DELETE"),
    },
  ),
  path: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...PATHS) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_PATHS) },
  ),
  headers: fc.array(
    fc.constantFrom<readonly [string, string]>(
      ["content-type", "application/json"],
      ["content-type", "text/plain"],
      ["origin", "http://evil.example"],
      ["authorization", "Bearer \xff"],
      ["accept", "text/event-stream"],
      ["content-encoding", "gzip"],
      ["access-control-request-method", "POST"],
    ),
    { maxLength: 2 },
  ),
  body: fc.oneof(
    {
      weight: 6,
      arbitrary: mutatedJson(BASES, {
        values: [
          ...[SCHEMA, ...ODD_SCHEMAS, MESSAGES, MESSAGES[0], "json_object"],
          ...["user", "system", "tool", "Once upon", 300, -1, [300, 301]],
        ],
      }),
    },
    {
      weight: 2,
      arbitrary: mutatedJson([SCHEMA, ...ODD_SCHEMAS], {
        values: ["string", "object", "#/$defs/n", "\\d{3,}", ...ODD_SCHEMAS],
        hurtsText: false,
      }).map((schema) =>
        `{"messages":${JSON.stringify(MESSAGES)},"max_tokens":8,` +
        `"response_format":{"type":"json_schema","json_schema":{"schema":${schema}}}}`
      ),
    },
    {
      weight: 1,
      arbitrary: mutatedBytes([new TextEncoder().encode(JSON.stringify(CHAT))]),
    },
    { weight: 1, arbitrary: mutatedText(["x".repeat(70_000)]) },
  ),
});

let made: Promise<Server> | undefined;

/** What the good request was answered first. */
let wanted: string | undefined;

/** `serve()` */
export const HTTP: Target<Input> = {
  name: "http",
  cases: 250,
  inputs,
  async feed({ method, path, headers, body }) {
    const server = await (made ??= start());
    wanted ??= await good(server);
    const isBare = method === "GET" || method === "HEAD";
    const response = await fetch(server.url + path, {
      ...{
        method,
        headers: headers.map((
          [name, value],
        ): [string, string] => [name, value]),
      },
      ...!isBare && { body },
    });
    const verdict = await check(response);
    if (verdict === "accepted") {
      assertEquals(await good(server), wanted, "the next answer is another");
    }
    return verdict;
  },
};

/**
 * Starts the server that targets share.
 *
 * @returns The server.
 */
export async function start(): Promise<Server> {
  const engine = await fakeEngine({ contextLength: 128 });
  return await serve(engine, { port: 0, maxBodyBytes: 200_000 });
}

/** Answers are JSON, text or a stream with an end; errors are OpenAI's. */
async function check(response: Response): Promise<Verdict> {
  const { status } = response;
  const type = response.headers.get("content-type") ?? "";
  const text = await response.text();
  assert(status < 500 || status === 503, `${status}: ${text.slice(0, 500)}`);
  if (status >= 400) {
    if (text === "") return "refused"; // to HEAD
    const { error } = JSON.parse(text);
    assertClear(error.message, /^\S/);
    return "refused";
  }
  if (text === "") return "accepted"; // to HEAD and OPTIONS
  if (type.includes("json")) JSON.parse(text);
  if (type.startsWith("text/event-stream")) {
    const events = text.split("\n\n").filter((event) =>
      event.startsWith("data: ")
    );
    const last = events.at(-1)?.slice("data: ".length);
    assert(last !== undefined, `a stream of nothing: ${text.slice(0, 200)}`);
    if (last === "[DONE]") return "accepted";
    assertClear(JSON.parse(last).error?.message ?? "", /^\S/);
    return "refused";
  }
  return "accepted";
}

/**
 * The answer to a good request, but for its id and its times.
 *
 * @param server The server.
 * @returns What it is, as JSON.
 */
export async function good({ url }: Server): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ messages: MESSAGES, max_tokens: 3, seed: 1 }),
  });
  return JSON.stringify((await response.json()).choices);
}
