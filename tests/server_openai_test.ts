// deno-lint-ignore-file camelcase -- the names are those of the API
/** The official OpenAI client against `serve()`, with the bundled model. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import OpenAI from "npm:openai@7.57.0";
import { zodFunction, zodResponseFormat } from "npm:openai@7.57.0/helpers/zod";
import type { ParsedChatCompletionMessage } from "npm:openai@7.57.0/resources/chat/completions";
import { z } from "npm:zod@4.6.7";
import { load, serve } from "../mod.ts";
import { fakeEngine } from "../src/server/_fake_engine.ts";

const KEY = "sk-test";
const STORY = {
  model: "stories-17m-q",
  messages: [{
    role: "user" as const,
    content: "Tell me a story about a dog.",
  }],
  seed: 7,
  max_tokens: 12,
};

Deno.test("the openai client makes its usual calls", async (t) => {
  using engine = await load("models/stories-17m-q", { contextLength: 256 });
  await using server = await serve(engine, { port: 0, apiKey: KEY });
  const baseURL = `${server.url}/v1`;
  const client = new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 });
  let story = "";

  await t.step("models", async () => {
    const { data } = await client.models.list();
    assertEquals(data.map(({ id }) => id), ["stories-17m-q"]);
    assertEquals(
      (await client.models.retrieve("stories-17m-q")).object,
      "model",
    );
    await assertRejects(
      () => client.models.retrieve("gpt-4o"),
      OpenAI.NotFoundError,
      "this server has stories-17m-q only",
    );
  });

  await t.step("a chat, and the same again for the same seed", async () => {
    const answer = await client.chat.completions.create(STORY);
    const [choice] = answer.choices;
    assertEquals(choice!.finish_reason, "length");
    assertEquals(choice!.message.role, "assistant");
    story = choice!.message.content!;
    assert(story.length > 20, story);
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage!;
    assertEquals(completion_tokens, 12);
    assertEquals(total_tokens, prompt_tokens + 12);
    const again = await client.chat.completions.create(STORY);
    assertEquals(again.choices[0]!.message.content, story);
    assertEquals(
      again.usage!.prompt_tokens_details!.cached_tokens,
      prompt_tokens - 1,
    );
  });

  await t.step("a stream, with usage", async () => {
    const stream = await client.chat.completions.create({
      ...STORY,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let reason: string | null = null;
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      reason = chunk.choices[0]?.finish_reason ?? reason;
      usage = chunk.usage ?? usage;
    }
    assertEquals([text, reason], [story, "length"]);
    assertEquals(usage!.completion_tokens, 12);
  });

  await t.step("the helper that puts a stream together", async () => {
    const runner = client.chat.completions.stream(STORY);
    const deltas: string[] = [];
    runner.on("content", (delta) => void deltas.push(delta));
    const { choices } = await runner.finalChatCompletion();
    assertEquals(choices[0]!.message.content, story);
    assertEquals(deltas.join(""), story);
  });

  await t.step("a stream that is given up, and the next request", async () => {
    const stream = await client.chat.completions.create({
      ...STORY,
      max_tokens: 200,
      stream: true,
    });
    for await (const _ of stream) break; // this aborts the request
    const controller = new AbortController();
    const { signal } = controller;
    const whole = client.chat.completions.create({
      ...STORY,
      max_tokens: 200,
    }, { signal });
    setTimeout(() => controller.abort(), 100);
    await assertRejects(() => whole, OpenAI.APIUserAbortError);
    const next = await client.chat.completions.create(STORY);
    assertEquals(next.choices[0]!.message.content, story);
  });

  await t.step("stop strings, several answers, log-probabilities", async () => {
    const [word] = story.split(" ").slice(3);
    const answer = await client.chat.completions.create({
      ...STORY,
      n: 2,
      stop: [word!],
      logprobs: true,
      top_logprobs: 2,
    });
    const [first, second] = answer.choices;
    assertEquals(first!.message.content, story.split(word!)[0]);
    assertEquals(first!.finish_reason, "stop");
    assertEquals(second!.index, 1);
    const [place] = first!.logprobs!.content!;
    assert(place!.logprob <= 0 && place!.top_logprobs.length === 2);
    assertEquals(place!.token.trim(), story.split(" ")[0]);
  });

  await t.step("a JSON schema", async () => {
    const answer = await client.chat.completions.create({
      ...STORY,
      max_tokens: 60,
      response_format: {
        type: "json_schema",
        json_schema: {
          name: "dog",
          strict: true,
          schema: {
            type: "object",
            properties: {
              name: { type: "string", maxLength: 10 },
              age: { type: "integer", minimum: 1, maximum: 20 },
            },
            required: ["name", "age"],
            additionalProperties: false,
          },
        },
      },
    });
    const [choice] = answer.choices;
    assertEquals(choice!.finish_reason, "stop");
    const { name, age, ...rest } = JSON.parse(choice!.message.content!);
    assert(typeof name === "string" && age >= 1 && age <= 20);
    assertEquals(rest, {});
  });

  await t.step("a schema of zod's, parsed, and any JSON", async () => {
    const Dog = z.object({
      name: z.string().max(8),
      tricks: z.array(z.enum(["sit", "roll"])).max(2),
      owner: z.string().max(8).nullable(),
    });
    const answer = await client.chat.completions.parse({
      ...STORY,
      max_tokens: 80,
      response_format: zodResponseFormat(Dog, "dog"),
    });
    const dog = answer.choices[0]!.message.parsed!;
    assertEquals(Dog.parse(dog), dog);
    const any = await client.chat.completions.create({
      ...STORY,
      max_tokens: 20,
      response_format: { type: "json_object" },
    });
    const [choice] = any.choices;
    assert(choice!.message.content!.startsWith("{"));
    if (choice!.finish_reason === "stop") JSON.parse(choice!.message.content!);
  });

  await t.step("several answers in one stream", async () => {
    const several = { ...STORY, temperature: 2, max_tokens: 5, n: 2 };
    const { choices } = await client.chat.completions.create(several);
    const stream = await client.chat.completions.create({
      ...several,
      stream: true,
    });
    const texts = ["", ""];
    for await (const { choices: [choice] } of stream) {
      texts[choice!.index] += choice!.delta.content ?? "";
    }
    assertEquals(texts, choices.map(({ message }) => message.content!));
    assert(texts[0] !== texts[1], texts[0]);
  });

  await t.step("completions", async () => {
    const answer = await client.completions.create({
      model: "any",
      prompt: ["Once upon a time", "The little bird"],
      max_tokens: 6,
      temperature: 0,
      logprobs: 1,
    });
    assertEquals(answer.choices.length, 2);
    for (const { text, logprobs } of answer.choices) {
      assertEquals(logprobs!.tokens!.join(""), text);
    }
    const stream = await client.completions.create({
      model: "any",
      prompt: "Once upon a time",
      max_tokens: 6,
      temperature: 0,
      stream: true,
    });
    let text = "";
    for await (const { choices } of stream) text += choices[0]!.text;
    assertEquals(text, answer.choices[0]!.text);
  });

  await t.step("errors", async () => {
    const stranger = new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 });
    await assertRejects(
      () => stranger.chat.completions.create(STORY),
      OpenAI.AuthenticationError,
      "the API key is wrong",
    );
    const wrong = await assertRejects(
      () =>
        client.chat.completions.create({
          ...STORY,
          temperature: "hot" as never,
        }),
      OpenAI.BadRequestError,
      'temperature is "hot", wanted a number of at least 0',
    );
    assertEquals(wrong.param, "temperature");
    const long = await assertRejects(
      () =>
        client.completions.create({ model: "m", prompt: "a b c ".repeat(200) }),
      OpenAI.BadRequestError,
    );
    assertEquals(long.code, "context_length_exceeded");
    const schema = await assertRejects(
      () =>
        client.chat.completions.create({
          ...STORY,
          stream: true,
          response_format: {
            type: "json_schema",
            json_schema: { name: "x", schema: { not: {} } },
          },
        }),
      OpenAI.BadRequestError,
    );
    assertEquals(schema.param, "response_format");
    await assertRejects(
      () => client.embeddings.create({ model: "m", input: "Hello" }),
      OpenAI.NotFoundError,
    );
  });
});

/** The only call of a message. */
function callOf({ tool_calls: calls }: ParsedChatCompletionMessage<null>) {
  assertEquals(calls!.length, 1);
  const [call] = calls!;
  assert(call?.type === "function", call?.type);
  return call;
}

Deno.test("the openai client has the function called that it names", async (t) => {
  using engine = await fakeEngine();
  await using server = await serve(engine, { port: 0 });
  const options = { baseURL: `${server.url}/v1`, apiKey: "none" };
  const client = new OpenAI({ ...options, maxRetries: 0 });
  const Feed = z.object({
    pet: z.enum(["cat", "dog"]),
    grams: z.number().int().min(1).max(999),
  });
  const tool = zodFunction({ name: "feed", parameters: Feed });
  const ask = {
    ...STORY,
    max_tokens: 200,
    n: 2,
    tools: [tool],
    tool_choice: { type: "function" as const, function: { name: "feed" } },
  };
  let said: string[] = [];

  await t.step("whole", async () => {
    const { choices } = await client.chat.completions.parse(ask);
    for (const { message, finish_reason } of choices) {
      assertEquals([message.content, finish_reason], [null, "stop"]);
      const { name, parsed_arguments: args } = callOf(message).function;
      assertEquals(name, "feed");
      assertEquals(Feed.parse(args), args);
    }
    const calls = choices.map(({ message }) => callOf(message));
    said = calls.map((call) => call.function.arguments);
    assertEquals(new Set(calls.map(({ id }) => id)).size, 2);
  });

  await t.step("as a stream", async () => {
    const stream = client.chat.completions.stream({
      ...ask,
      tool_choice: "required",
    });
    let deltaCount = 0;
    stream.on("tool_calls.function.arguments.delta", () => void deltaCount++);
    const { choices } = await stream.finalChatCompletion();
    assertEquals(
      choices.map(({ message, finish_reason }) => [
        message.content,
        callOf(message).function.name,
        callOf(message).function.arguments,
        finish_reason,
      ]),
      said.map((text) => [null, "feed", text, "tool_calls"]),
    );
    assert(deltaCount > 10, `${deltaCount} pieces`);
  });

  await t.step("not if the answer is cut off", async () => {
    const cut = await client.chat.completions.create({ ...ask, max_tokens: 3 });
    assertEquals(cut.choices[0]!.finish_reason, "length");
  });

  await t.step("and hears what cannot be kept to", async () => {
    const refusal = async (more: object) =>
      await assertRejects(
        () => client.chat.completions.create({ ...ask, ...more }),
        OpenAI.BadRequestError,
      );
    const auto = await refusal({ tool_choice: "auto" });
    assertEquals(auto.param, "tools");
    const parameters = { properties: { a: { not: {} } } };
    const schema = await refusal({
      tools: [{ type: "function", function: { name: "feed", parameters } }],
    });
    assertEquals(schema.param, "tools");
  });
});

Deno.test("the openai client hears that the queue is full, and comes again", async () => {
  using engine = await fakeEngine({ endsTexts: false });
  await using server = await serve(engine, { port: 0, maxQueue: 0 });
  const options = { baseURL: `${server.url}/v1`, apiKey: "none" };
  const client = new OpenAI({ ...options, maxRetries: 0 });
  const running = await client.chat.completions.create({
    ...STORY,
    max_tokens: 400,
    stream: true,
  });
  const full = await assertRejects(
    () => client.chat.completions.create(STORY),
    OpenAI.RateLimitError,
  );
  assertEquals([full.status, full.code], [429, "queue_full"]);
  assert(Number(full.headers!.get("retry-after")) > 0);
  for await (const _ of running);
  const { choices } = await client.chat.completions.create(STORY);
  assertEquals(choices.length, 1);
});
