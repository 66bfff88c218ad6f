import { assertEquals, assertRejects } from "@std/assert";
import { ChatFailure, explainFailure } from "./failure.js";
import { type ChatEvent, streamChat } from "./stream_chat.js";

const chunk = (delta: unknown, finish: string | null = null) =>
  `data: ${
    JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })
  }\n\n`;

const ANSWER = [
  ": queued\n\n",
  chunk({ role: "assistant", content: "" }),
  chunk({ content: "Once" }),
  chunk({ content: " upon" }),
  chunk({}, "length"),
  `data: ${
    JSON.stringify({
      choices: [],
      usage: {
        prompt_tokens: 52,
        completion_tokens: 2,
        prompt_tokens_details: { cached_tokens: 37 },
      },
      timings: { predicted_per_second: 48.5 },
    })
  }\n\n`,
  "data: [DONE]\n\n",
];

/** A server that answers once, with these pieces. */
function answering(pieces: string[], init?: ResponseInit) {
  const asked: unknown[] = [];
  const fetch = (_url: unknown, request?: RequestInit) => {
    asked.push(JSON.parse(String(request?.body)));
    const stream = ReadableStream.from(
      pieces.map((piece) => new TextEncoder().encode(piece)),
    );
    return Promise.resolve(new Response(stream, init));
  };
  return { asked, fetch: fetch as typeof globalThis.fetch };
}

async function talk(
  fetch: typeof globalThis.fetch,
  { signal } = new AbortController(),
): Promise<ChatEvent[]> {
  return await Array.fromAsync(streamChat({ messages: [] }, { signal, fetch }));
}

Deno.test("streamChat() tells waiting, text and the end with its costs", async () => {
  const { asked, fetch } = answering(ANSWER);
  assertEquals(await talk(fetch), [
    { kind: "waiting", comment: "queued" },
    { kind: "text", text: "Once" },
    { kind: "text", text: " upon" },
    {
      kind: "end",
      finish: "length",
      stats: {
        promptTokens: 52,
        cachedTokens: 37,
        tokens: 2,
        tokensPerSecond: 48.5,
      },
    },
  ]);
  assertEquals(asked, [{
    messages: [],
    stream: true,
    stream_options: { include_usage: true },
  }]);
});

Deno.test("streamChat() fails when a stream ends too early or breaks", async () => {
  for (const pieces of [ANSWER.slice(0, 4), [], ["data: {\n\n"]]) {
    const { kind } = await assertRejects(
      () => talk(answering(pieces).fetch),
      ChatFailure,
    );
    assertEquals(kind, "cut-off");
  }
  const unreachable = () => Promise.reject(new TypeError("Failed to fetch"));
  const { kind } = await assertRejects(() => talk(unreachable), ChatFailure);
  assertEquals(kind, "unreachable");
});

Deno.test("streamChat() passes over what is no chunk", async () => {
  const odd = ["null", "7", "[]", '"x"', '{"choices":7}', '{"choices":[null]}']
    .map((data) => `data: ${data}\n\n`);
  const texts = [7, {}, ["a"], null].map((content) => chunk({ content }));
  const { fetch } = answering([...odd, ...texts, ...ANSWER.slice(-1)]);
  const end = { kind: "end", finish: "", stats: null } as const;
  assertEquals(await talk(fetch), [end]);
});

Deno.test("streamChat() tells an abort as an abort", async () => {
  const controller = new AbortController();
  const fetch = () => {
    controller.abort();
    return Promise.reject(new TypeError("Failed to fetch"));
  };
  await assertRejects(() => talk(fetch, controller), DOMException);
});

Deno.test("streamChat() says why a server refuses, in its answer or its stream", async () => {
  const cases = [
    { status: 400, code: "context_length_exceeded", kind: "context" },
    { status: 400, message: "longer than the context of 512", kind: "context" },
    { status: 400, message: "temperature must be a number", kind: "refused" },
    { status: 401, kind: "key" },
    { status: 413, kind: "too-large" },
    { status: 429, kind: "busy" },
    { status: 503, kind: "stopping" },
    { status: 500, kind: "server" },
  ] as const;
  for (const { status, kind, ...error } of cases) {
    const { fetch } = answering([JSON.stringify({ error })], { status });
    const failure = await assertRejects(() => talk(fetch), ChatFailure);
    assertEquals(failure.kind, kind, `status ${status}`);
  }
  const { fetch } = answering(["<html>"], { status: 502 });
  const failure = await assertRejects(() => talk(fetch), ChatFailure);
  assertEquals(failure.kind, "server");
  const within = answering([...ANSWER.slice(0, 3), 'data: {"error":{}}\n\n']);
  const late = await assertRejects(() => talk(within.fetch), ChatFailure);
  assertEquals(late.kind, "server");
});

Deno.test("explainFailure() repeats what the server said, not what the browser said", () => {
  assertEquals(
    explainFailure("refused", "seed must be a number"),
    {
      text: "The server refused the request. It says: seed must be a number",
      ways: ["retry", "settings"],
    },
  );
  assertEquals(
    explainFailure("unreachable", "TypeError: Failed to fetch").text,
    "The server cannot be reached. Is it still running?",
  );
});
