/** Vercel's AI SDK against `serve()`, with the bundled model. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createOpenAICompatible } from "npm:@ai-sdk/openai-compatible@3.0.92";
import {
  APICallError,
  generateText,
  Output,
  streamText,
  tool,
} from "npm:ai@7.0.173";
import { z } from "npm:zod@4.6.7";
import { load, serve } from "../mod.ts";
import { fakeEngine } from "../src/server/_fake_engine.ts";

// It warns of what this provider has not, on stderr.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

Deno.test("the AI SDK makes its usual calls", async (t) => {
  using engine = await load("models/stories-17m-q", { contextLength: 256 });
  await using server = await serve(engine, { port: 0, apiKey: "sk-test" });
  const provider = createOpenAICompatible({
    name: "moeno",
    baseURL: `${server.url}/v1`,
    apiKey: "sk-test",
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const ask = {
    model: provider("stories-17m-q"),
    prompt: "Tell me a story about a cat.",
    seed: 3,
    maxOutputTokens: 10,
    maxRetries: 0,
  };
  let story = "";

  await t.step("a text", async () => {
    const { text, usage, finishReason } = await generateText(ask);
    story = text;
    assert(story.length > 10, story);
    assertEquals([usage.outputTokens, finishReason], [10, "length"]);
  });

  await t.step("a stream", async () => {
    const { textStream, usage, finishReason } = streamText(ask);
    assertEquals((await Array.fromAsync(textStream)).join(""), story);
    assertEquals((await usage).outputTokens, 10);
    assertEquals(await finishReason, "length");
  });

  await t.step("a stream that is given up", async () => {
    const controller = new AbortController();
    const { textStream } = streamText({
      ...ask,
      maxOutputTokens: 200,
      abortSignal: controller.signal,
      onError: () => {},
    });
    let count = 0;
    for await (const _ of textStream) {
      if (++count === 3) controller.abort();
    }
    assert(count < 20, `${count} pieces`);
  });

  await t.step("an object of a schema", async () => {
    const { output } = await generateText({
      ...ask,
      maxOutputTokens: 60,
      output: Output.object({
        schema: z.object({
          name: z.string().max(12),
          lives: z.number().int().min(1).max(9),
          color: z.enum(["black", "white"]),
        }),
      }),
    });
    assert(output.lives >= 1 && output.lives <= 9, `${output.lives}`);
    assert(["black", "white"].includes(output.color));
  });

  await t.step("an object that grows", async () => {
    const stream = streamText({
      ...ask,
      maxOutputTokens: 60,
      output: Output.object({
        schema: z.object({
          names: z.array(z.string().max(6)).min(2).max(2),
        }),
      }),
    });
    let last: unknown;
    let count = 0;
    for await (const part of stream.partialOutputStream) {
      last = part;
      count++;
    }
    const { names } = await stream.output;
    assertEquals([last, names.length], [{ names }, 2]);
    assert(count > 1, `${count} parts`);
  });

  await t.step("an old completion", async () => {
    const { text } = await generateText({
      ...ask,
      model: provider.completionModel("stories-17m-q"),
      prompt: "Once upon a time",
    });
    assert(text.length > 5, text);
  });

  await t.step("an error", async () => {
    const error = await assertRejects(
      () => generateText({ ...ask, temperature: -1 }),
      APICallError,
      "temperature is -1, wanted a number of at least 0",
    );
    assertEquals([error.statusCode, error.isRetryable], [400, false]);
  });
});

Deno.test("the AI SDK has the tool called that it names", async () => {
  using engine = await fakeEngine();
  await using server = await serve(engine, { port: 0 });
  const baseURL = `${server.url}/v1`;
  const provider = createOpenAICompatible({ name: "moeno", baseURL });
  const fed: string[] = [];
  const feed = tool({
    inputSchema: z.object({ pet: z.enum(["cat", "dog"]) }),
    execute: ({ pet }) => void fed.push(pet),
  });
  const ask = {
    model: provider("fake"),
    prompt: "Feed the dog.",
    seed: 3,
    maxRetries: 0,
    tools: { feed },
    toolChoice: { type: "tool", toolName: "feed" } as const,
  };
  const { toolCalls: [call] } = await generateText(ask);
  const stream = streamText(ask);
  const [streamed] = await stream.toolCalls;
  assertEquals(streamed!.input, call!.input);
  const { pet } = call!.input as { pet: string };
  assertEquals(fed, [pet, pet]);
});
