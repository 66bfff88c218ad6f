// deno-lint-ignore-file camelcase -- the names are those of the API
import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../http/api_error.ts";
import { parseChatRequest } from "./chat_request.ts";
import { parseCompletionRequest } from "./completion_request.ts";
import type { JsonObject } from "./fields.ts";

const MESSAGES = [{ role: "user", content: "Hello" }];

function chat(more: JsonObject) {
  return parseChatRequest({ messages: MESSAGES, ...more });
}

/** Which field is refused. */
function refused(parse: () => unknown): string | null {
  const error = assertThrows(parse, ApiError);
  assertEquals(error.status, 400);
  return error.toJSON().error.param!;
}

Deno.test("parseChatRequest() has every sampling option", () => {
  const { options, ...rest } = chat({
    model: "gpt-4o",
    temperature: 0.5,
    top_k: 3,
    top_p: 0.9,
    min_p: 0.1,
    repetition_penalty: 1.2,
    presence_penalty: -1,
    frequency_penalty: 0.5,
    penalty_window: 9,
    seed: 7,
    stop: "x",
    max_tokens: 5,
    n: 2,
    logprobs: true,
    top_logprobs: 4,
    logit_bias: { "17": -100, "3": 2.5 },
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
    response_format: { type: "json_object" },
    user: "somebody",
    some_future_field: { deep: [1] },
  });
  assertEquals(options, {
    temperature: 0.5,
    topK: 3,
    topP: 0.9,
    minP: 0.1,
    repetitionPenalty: 1.2,
    presencePenalty: -1,
    frequencyPenalty: 0.5,
    penaltyWindow: 9,
    seed: 7,
    stop: ["x"],
    maxTokens: 5,
    logprobs: 4,
    logitBias: { 17: -100, 3: 2.5 },
    ignoreEos: true,
    responseFormat: { type: "json_object" },
  });
  assertEquals(rest, {
    prompts: [{ messages: MESSAGES }],
    count: 2,
    isStream: true,
    includesUsage: true,
  });
});

Deno.test("parseChatRequest() takes the first of several names", () => {
  const { options } = chat({
    max_tokens: 5,
    max_completion_tokens: 6,
    repeat_penalty: 1.1,
    repeat_last_n: 8,
  });
  assertEquals(options.maxTokens, 6);
  assertEquals(options.repetitionPenalty, 1.1);
  assertEquals(options.penaltyWindow, 8);
  const wrong = { max_completion_tokens: 5, max_tokens: "many" };
  assertEquals(refused(() => chat(wrong)), "max_tokens");
});

Deno.test("parseChatRequest() reads messages in all their forms", () => {
  const { prompts } = parseChatRequest({
    messages: [
      { role: "developer", content: "Be short." },
      {
        role: "user",
        content: [{ type: "text", text: "a" }, { type: "text", text: "b" }],
        name: "me",
      },
      { role: "assistant", content: [], tool_calls: [] },
    ],
  });
  assertEquals(prompts, [{
    messages: [
      { role: "system", content: "Be short." },
      { role: "user", content: "ab" },
      { role: "assistant", content: "" },
    ],
  }]);
});

const TOOLS = [
  { type: "function", function: { name: "now" } },
  {
    type: "function",
    function: { name: "pet", parameters: { properties: { n: {} } } },
  },
];

const NAMED = { type: "function", function: { name: "pet" } };

Deno.test("parseChatRequest() holds answers to the function that is named", () => {
  const parsed = (more: JsonObject): unknown[] => {
    const { call, options: { responseFormat } } = chat(more);
    return [call?.name, call?.finishReason, responseFormat];
  };
  const format = (schema: object) => ({ type: "json_schema", schema });
  assertEquals(parsed({ tools: TOOLS, tool_choice: NAMED }), [
    "pet",
    "stop",
    format({ type: "object", properties: { n: {} } }),
  ]);
  assertEquals(parsed({ tools: [TOOLS[0]], tool_choice: "required" }), [
    "now",
    "tool_calls",
    format({ type: "object", properties: {} }),
  ]);
  const none = [undefined, undefined, undefined];
  for (
    const more of [
      { tools: TOOLS, tool_choice: "none" },
      { tools: [], tool_choice: "auto" },
      { tools: [] },
      { tools: null, tool_choice: null, functions: [] },
    ]
  ) assertEquals(parsed(more), none);
});

Deno.test("parseChatRequest() refuses what tools it cannot keep to", () => {
  const forced = (tool: unknown) => ({ tools: [tool], tool_choice: NAMED });
  const parameters = { name: "pet", parameters: [] };
  const wrong: [string, JsonObject][] = [
    // Nobody tells the model of tools, so it calls none by itself.
    ["tools", { tools: TOOLS }],
    ["tools", { tools: TOOLS, tool_choice: "auto" }],
    ["tools", { tools: {} }],
    ["functions", { functions: [{ name: "pet" }] }],
    ["tool_choice", { tools: TOOLS, tool_choice: "required" }],
    ["tool_choice", { tool_choice: "required" }],
    ["tool_choice", { tool_choice: "sometimes" }],
    ["tool_choice", { tool_choice: NAMED }],
    ["tool_choice", forced(TOOLS[0])],
    ["tool_choice.type", { tools: TOOLS, tool_choice: { type: "custom" } }],
    ["tool_choice.function", {
      tools: TOOLS,
      tool_choice: { type: "function" },
    }],
    ["tools[0]", forced("pet")],
    ["tools[0].type", forced({ type: "custom" })],
    ["tools[0].function", forced({ type: "function" })],
    ["tools[0].function.name", forced({ type: "function", function: {} })],
    [
      "tools[0].function.parameters",
      forced({ type: "function", function: parameters }),
    ],
    ["response_format", {
      tools: TOOLS,
      tool_choice: NAMED,
      response_format: { type: "json_object" },
    }],
    ["messages[1].tool_calls", {
      messages: [...MESSAGES, {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", ...NAMED }],
      }],
    }],
  ];
  for (const [param, body] of wrong) {
    assertEquals(refused(() => chat(body)), param, JSON.stringify(body));
  }
});

Deno.test("parseChatRequest() names the field that is wrong", () => {
  const wrong: Record<string, JsonObject> = {
    messages: { messages: [] },
    "messages[0]": { messages: ["Hello"] },
    "messages[0].role": { messages: [{ content: "Hello" }] },
    "messages[1].content": { messages: [...MESSAGES, { role: "assistant" }] },
    "messages[0].content[0]": {
      messages: [{ role: "user", content: ["Hello"] }],
    },
    "messages[0].content[0].type": {
      messages: [{ role: "user", content: [{ type: "image_url" }] }],
    },
    "messages[0].content[0].text": {
      messages: [{ role: "user", content: [{ type: "text" }] }],
    },
    model: { model: 5 },
    n: { n: 17 },
    stop: { stop: [5] },
    stream: { stream: "yes" },
    "stream_options.include_usage": { stream_options: { include_usage: 1 } },
    logit_bias: { logit_bias: { dog: 1 } },
    "logit_bias.5": { logit_bias: { 5: 101 } },
    logprobs: { logprobs: 5 },
    top_logprobs: { top_logprobs: 2 },
    response_format: { response_format: "json" },
    "response_format.type": { response_format: { type: "xml" } },
    "response_format.json_schema": { response_format: { type: "json_schema" } },
    "response_format.json_schema.strict": {
      response_format: {
        type: "json_schema",
        json_schema: { schema: {}, strict: "very" },
      },
    },
    grammar: { grammar: 'root ::= "a"' },
    json_schema: { json_schema: {} },
    guided_choice: { guided_choice: ["a", "b"] },
    structured_outputs: { structured_outputs: { regex: "a" } },
    seed: { seed: -1 },
    top_p: { top_p: 1.5 },
  };
  for (const [param, body] of Object.entries(wrong)) {
    assertEquals(refused(() => chat(body)), param);
  }
});

Deno.test("parseCompletionRequest() reads prompts in all their forms", () => {
  const prompts = (prompt: unknown) =>
    parseCompletionRequest({ prompt }).prompts;
  assertEquals(prompts("a"), [{ text: "a" }]);
  assertEquals(prompts(""), [{ text: "" }]);
  assertEquals(prompts(["a", "b"]), [{ text: "a" }, { text: "b" }]);
  assertEquals(prompts([1, 2]), [{ ids: [1, 2] }]);
  assertEquals(prompts([[1, 2], [3]]), [{ ids: [1, 2] }, { ids: [3] }]);
  const wrong = [undefined, null, [], 5, [1, "a"], [-1], [[]], [1.5]];
  for (const prompt of wrong) {
    assertEquals(refused(() => prompts(prompt)), "prompt");
  }
});

Deno.test("parseCompletionRequest() refuses what there is not", () => {
  const parse = (more: JsonObject) =>
    parseCompletionRequest({ prompt: "a", ...more });
  assertEquals(parse({ best_of: 2, n: 2, suffix: "" }).count, 2);
  assertEquals(parse({ echo: true, logprobs: null }).echoes, true);
  assertEquals(refused(() => parse({ best_of: 2 })), "best_of");
  assertEquals(refused(() => parse({ suffix: "b" })), "suffix");
  const likely = { echo: true, logprobs: 0 };
  assertEquals(refused(() => parse(likely)), "logprobs");
  const ids = { echo: true, prompt: [1] };
  assertEquals(refused(() => parse(ids)), "echo");
});
