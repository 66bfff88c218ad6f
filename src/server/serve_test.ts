// deno-lint-ignore-file camelcase -- the names are those of the API
/** The server over HTTP, with an engine that needs no GPU. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Engine } from "../engine/engine.ts";
import { fakeEngine, type FakeEngineOptions } from "./_fake_engine.ts";
import type { RequestRecord } from "./request_record.ts";
import { serve, type Server } from "./serve.ts";
import type { ServeOptions } from "./serve_options.ts";
import { until, untilWaiting } from "./_until.ts";

/** A server in use. */
interface Lab {
  readonly engine: Engine;
  readonly server: Server;
  readonly records: RequestRecord[];
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
}

async function withServer(
  options: ServeOptions & FakeEngineOptions,
  use: (lab: Lab) => Promise<void>,
): Promise<void> {
  using engine = await fakeEngine(options);
  const records: RequestRecord[] = [];
  await using server = await serve(engine, {
    port: 0,
    onRequest: (record) => records.push(record),
    ...options,
  });
  await use({
    engine,
    server,
    records,
    post: (path, body, init = {}) =>
      fetch(server.url + path, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...init,
      }),
  });
}

/** The data of a stream's events. */
async function eventsOf(response: Response): Promise<string[]> {
  return (await response.text()).split("\n\n")
    .filter((block) => block.startsWith("data:"))
    .map((block) => block.slice("data: ".length));
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

const HELLO = { messages: [{ role: "user", content: "Hello" }] };

Deno.test("serve() answers what the library answers", async () => {
  await withServer({}, async ({ engine, post }) => {
    const options = { maxTokens: 12, seed: 5 };
    const expected = [];
    for await (const { final } of engine.chat(HELLO.messages, options)) {
      if (final) expected.push(final);
    }
    const ask = { ...HELLO, max_tokens: 12, seed: 5 };
    const whole = await (await post("/v1/chat/completions", ask)).json();
    const [choice] = whole.choices;
    assertEquals(choice.message.content, expected[0]!.text);
    assertEquals(choice.finish_reason, expected[0]!.finishReason);
    assertEquals(whole.usage.completion_tokens, expected[0]!.completionTokens);
    const response = await post("/v1/chat/completions", {
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    });
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const events = await eventsOf(response);
    assertEquals(events.pop(), "[DONE]");
    const chunks = events.map((event) => JSON.parse(event));
    const usage = chunks.pop();
    assertEquals(usage.choices, []);
    assertEquals(usage.usage.total_tokens, whole.usage.total_tokens);
    assertEquals(chunks[0].choices[0].delta.role, "assistant");
    assertEquals(chunks.at(-1).choices[0].finish_reason, choice.finish_reason);
    const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "");
    assertEquals(text.join(""), expected[0]!.text);
  });
});

Deno.test("serve() gives several answers, each with its own seed", async () => {
  await withServer({}, async ({ post }) => {
    const complete = async (more: object) => {
      const ask = { prompt: "Once", max_tokens: 9, temperature: 1.5, ...more };
      const { choices, usage } = await (await post("/v1/completions", ask))
        .json();
      return {
        texts: choices.map(({ text }: { text: string }) => text),
        usage,
      };
    };
    const three = await complete({ seed: 7, n: 3 });
    const single = await Promise.all(
      [7, 8, 9].map(async (seed) => (await complete({ seed })).texts[0]),
    );
    assertEquals(three.texts, single);
    assertEquals(new Set(single).size, 3);
    const prompts = await complete({
      seed: 7,
      n: 2,
      prompt: ["Once", "Twice"],
      echo: true,
    });
    assertEquals(prompts.texts.length, 4);
    assertEquals(prompts.texts[0], "Once" + single[0]);
    assert(prompts.texts[3].startsWith("Twice"));
    const { usage } = await complete({ n: 3 });
    assertEquals(usage.prompt_tokens, 2);
  });
});

Deno.test("serve() has log-probabilities that add up to the text", async () => {
  await withServer({ endsTexts: false }, async ({ post }) => {
    const ask = {
      ...HELLO,
      max_tokens: 6,
      seed: 2,
      logprobs: true,
      top_logprobs: 3,
    };
    const { choices: [choice] } =
      await (await post("/v1/chat/completions", ask)).json();
    const { content } = choice.logprobs;
    const bytes = content.flatMap((place: { bytes: number[] }) => place.bytes);
    const text = new TextDecoder().decode(Uint8Array.from(bytes));
    assertEquals(text.trimStart(), choice.message.content);
    for (const { top_logprobs: tops } of content) {
      assertEquals(tops.length, 3);
      assert(tops[0].logprob >= tops[1].logprob && tops[0].logprob < 0);
    }
    const old = await (await post("/v1/completions", {
      prompt: "Once",
      max_tokens: 4,
      logprobs: 2,
    })).json();
    const { tokens, text_offset: offsets } = old.choices[0].logprobs;
    assertEquals(tokens.join(""), old.choices[0].text);
    assertEquals(offsets.length, 4);
  });
});

Deno.test("serve() keeps answers to a JSON schema, and biases tokens", async () => {
  await withServer({}, async ({ post }) => {
    const schema = {
      type: "object",
      properties: {
        n: { type: "integer", minimum: 1, maximum: 9 },
        kind: { enum: ["cat", "dog"] },
      },
      required: ["n", "kind"],
      additionalProperties: false,
    };
    const format = (schema: object) => ({
      type: "json_schema",
      json_schema: { name: "pet", strict: true, schema },
    });
    for (let seed = 0; seed < 5; seed++) {
      const ask = { ...HELLO, seed, response_format: format(schema) };
      const { choices: [{ message, finish_reason }] } =
        await (await post("/v1/chat/completions", ask)).json();
      const { n, kind, ...rest } = JSON.parse(message.content);
      assert(n >= 1 && n <= 9 && ["cat", "dog"].includes(kind));
      assertEquals([rest, finish_reason], [{}, "stop"]);
    }
    const errorOf = async (more: object) => {
      const response = await post("/v1/chat/completions", {
        ...HELLO,
        ...more,
      });
      assertEquals(response.status, 400);
      const { message, param } = (await response.json()).error;
      assertEquals(param, Object.keys(more)[0]);
      return message;
    };
    assertEquals(
      await errorOf({
        response_format: format({ type: "array", uniqueItems: true }),
        stream: true, // of which nothing has been sent yet
      }),
      'Cannot constrain to the schema: $ has "uniqueItems", wanted none but properties, required, additionalProperties, items, prefixItems, minItems, maxItems, minLength, maxLength, pattern, format, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, $ref, allOf, anyOf, oneOf, enum, const',
    );
    assertEquals(
      await errorOf({ logit_bias: { 4096: 1 } }),
      "Cannot bias logits: the vocabulary has no id 4096, wanted 0 to 4095",
    );
    const { tokens: [id] } = await (await post("/tokenize", { content: "dog" }))
      .json();
    const forced = { ...HELLO, max_tokens: 3, logit_bias: { [id]: 100 } };
    const { choices: [{ message }] } =
      await (await post("/v1/chat/completions", forced)).json();
    const once = (await (await post("/detokenize", { tokens: [id, id, id] }))
      .json()).content;
    assertEquals(message.content, once);
  });
});

Deno.test("serve() ends a generation within one token when its client goes", async () => {
  let runs = 0;
  const onRun = async () => {
    runs++;
    await sleep(5);
  };
  const more = { endsTexts: false, onRun };
  for (const stream of [true, false]) {
    await withServer(more, async ({ post, records }) => {
      runs = 0;
      const controller = new AbortController();
      const { signal } = controller;
      const asked = post("/v1/chat/completions", { ...HELLO, stream }, {
        signal,
      });
      asked.then((response) => response.text()).catch(() => {});
      await until(() => runs > 5, "some tokens have run");
      const before = runs;
      controller.abort();
      await until(() => records.length === 1, "the request has ended");
      const [record] = records;
      assertEquals(record!.status, 499);
      const { completion_tokens: count } = record!.answer!.usage.usage;
      // The network takes its time; a whole text would be 490 tokens.
      assert(count >= before - 1 && count < before + 20, `${count} ${before}`);
      const after = runs;
      await sleep(30);
      assertEquals(runs, after);
      const ask = { ...HELLO, max_tokens: 2 };
      const next = await post("/v1/chat/completions", ask);
      assertEquals(next.status, 200);
      await next.body?.cancel();
    });
  }
});

Deno.test("serve() has requests wait in order, and turns away too many", async () => {
  const gate = Promise.withResolvers<void>();
  const onRun = () => gate.promise;
  await withServer(
    { maxQueue: 2, onRun },
    async ({ post, server, records }) => {
      const ask = { ...HELLO, max_tokens: 1 };
      const asked = [];
      for (let i = 0; i < 3; i++) {
        asked.push(post("/v1/chat/completions", { ...ask, seed: i }));
        await untilWaiting(server, i); // the first runs
      }
      const full = await post("/v1/chat/completions", ask);
      assertEquals(full.status, 429);
      assertEquals(full.headers.get("retry-after"), "5");
      assertEquals((await full.json()).error.code, "queue_full");
      gate.resolve();
      for (const response of await Promise.all(asked)) {
        assertEquals(response.status, 200);
        await response.body?.cancel();
      }
      const answered = records.filter(({ path }) => path !== "/metrics");
      assertEquals(answered.length, 4);
    },
  );
});

Deno.test("serve() gives up a request that takes too long", async () => {
  const onRun = () => sleep(20);
  const options = { timeoutMs: 200, endsTexts: false, onRun };
  await withServer(options, async ({ post }) => {
    const asked = [post("/v1/chat/completions", HELLO)];
    await sleep(20);
    asked.push(post("/v1/chat/completions", HELLO)); // waits in vain
    for (const response of await Promise.all(asked)) {
      assertEquals(response.status, 504);
      assertEquals((await response.json()).error.code, "timeout");
    }
    const stream = await post("/v1/chat/completions", {
      ...HELLO,
      stream: true,
    });
    assertEquals(stream.status, 200);
    const events = await eventsOf(stream);
    assertEquals(JSON.parse(events.at(-1)!).error.code, "timeout");
  });
});

Deno.test("serve() refuses bodies that are too long, broken or no object", async () => {
  await withServer({ maxBodyBytes: 1000 }, async ({ post, records }) => {
    const path = "/v1/completions";
    const long = JSON.stringify({ prompt: "x".repeat(1000) });
    const declared = await post(path, long);
    assertEquals(declared.status, 413);
    assertEquals((await declared.json()).error.code, "body_too_large");
    const chunked = await post(path, "", {
      body: new Blob([long]).stream(),
    });
    assertEquals(chunked.status, 413);
    await chunked.body?.cancel();
    const bad: [BodyInit, string][] = [
      ["", "it is no JSON (Unexpected end of JSON input), wanted an object"],
      ["[]", "it is no JSON object, wanted one"],
      ["null", "it is no JSON object, wanted one"],
      [Uint8Array.of(0x7b, 0xff, 0x7d), "it is no UTF-8, wanted JSON"],
    ];
    for (const [body, state] of bad) {
      const response = await post(path, "", { body });
      assertEquals(response.status, 400);
      const { error } = await response.json();
      assertEquals(error.message, `Cannot read the body: ${state}`);
      assertEquals(error.code, "invalid_json");
    }
    const deep = await post(path, `{"prompt":${"[".repeat(900)}`);
    assertEquals(deep.status, 400);
    assertStringIncludes((await deep.json()).error.message, "256 deep");
    assertEquals(records.length, 7);
  });
});

Deno.test("serve() refuses prompts that the model cannot take", async () => {
  await withServer({ contextLength: 40 }, async ({ post }) => {
    const errorOf = async (path: string, body: object) => {
      const response = await post(path, body);
      assertEquals(response.status, 400);
      return (await response.json()).error;
    };
    const long = "word ".repeat(60);
    const chat = await errorOf("/v1/chat/completions", {
      messages: [{ role: "user", content: long }],
    });
    assertEquals([chat.code, chat.param], [
      "context_length_exceeded",
      "messages",
    ]);
    const text = await errorOf("/v1/completions", { prompt: long });
    assertEquals([text.code, text.param], [
      "context_length_exceeded",
      "prompt",
    ]);
    const huge = await errorOf("/v1/completions", {
      prompt: "word ".repeat(1e6),
    });
    assertEquals(huge.code, "context_length_exceeded");
    const id = await errorOf("/v1/completions", { prompt: [4096] });
    assertEquals(
      id.message,
      "Cannot answer: the vocabulary has no id 4096, wanted 0 to 4095",
    );
  });
});

Deno.test("serve() tells of errors of the model, and goes on", async () => {
  let isBroken = true;
  const onRun = () => {
    if (isBroken) throw new Error("Cannot run: the GPU is lost");
  };
  await withServer({ onRun }, async ({ post }) => {
    const broken = await post("/v1/chat/completions", HELLO);
    assertEquals(broken.status, 500);
    assertEquals((await broken.json()).error, {
      message: "Cannot run: the GPU is lost",
      type: "server_error",
      param: null,
      code: "internal_error",
    });
    const stream = { ...HELLO, stream: true };
    const events = await eventsOf(await post("/v1/chat/completions", stream));
    assertEquals(JSON.parse(events[0]!).error.code, "internal_error");
    assertEquals(events.length, 1);
    isBroken = false;
    const next = await post("/v1/chat/completions", {
      ...HELLO,
      max_tokens: 1,
    });
    assertEquals(next.status, 200);
    await next.body?.cancel();
  });
});

Deno.test("serve() stops when the running answer has ended", async () => {
  let runs = 0;
  const onRun = async () => {
    runs++;
    await sleep(5);
  };
  await withServer({ onRun, endsTexts: false }, async ({ post, server }) => {
    const running = post("/v1/chat/completions", { ...HELLO, max_tokens: 30 });
    await until(() => runs > 2, "it runs");
    const waiting = post("/v1/chat/completions", HELLO);
    await untilWaiting(server, 1);
    const stopped = server.shutdown();
    const refused = await waiting;
    assertEquals(refused.status, 503);
    assertEquals((await refused.json()).error.code, "server_stopping");
    const health = await fetch(`${server.url}/health`);
    assertEquals([health.status, await health.json()], [503, {
      status: "stopping",
    }]);
    const { choices } = await (await running).json();
    assertEquals(choices[0].finish_reason, "length");
    await stopped;
    await server.finished;
    await assertRejects(() => fetch(`${server.url}/health`), TypeError);
  });
});

Deno.test("serve() cuts off what runs longer than its grace", async () => {
  const onRun = () => sleep(5);
  const options = { onRun, endsTexts: false, graceMs: 50 };
  await withServer(options, async ({ post, server }) => {
    const stream = { ...HELLO, stream: true };
    const response = await post("/v1/chat/completions", stream);
    await server.shutdown();
    const events = await eventsOf(response);
    assertEquals(JSON.parse(events.at(-1)!).error.code, "server_stopping");
  });
});

Deno.test("serve() stops though the model never comes back", async () => {
  const never = new Promise<void>(() => {});
  await withServer({ onRun: () => never, graceMs: 50 }, async (lab) => {
    const stuck = assertRejects(() => lab.post("/v1/chat/completions", HELLO));
    await sleep(50);
    await lab.server.shutdown();
    await lab.server.finished;
    await stuck;
    await sleep(1500); // an error that nobody can catch came a second later
  });
});

Deno.test("serve() cuts off a reader that takes nothing, and goes on", async () => {
  const options = { endsTexts: false, contextLength: 4096, stallMs: 200 };
  await withServer(options, async ({ server, post, records }) => {
    const body = JSON.stringify({
      ...HELLO,
      stream: true,
      n: 8,
      logprobs: true,
      top_logprobs: 20,
    });
    const connection = await Deno.connect({ port: server.port });
    await connection.write(new TextEncoder().encode(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    ));
    await until(() => records.length === 1, "it is cut off");
    assertEquals(
      records[0]!.error,
      "Cannot go on: the reader took nothing for 0.2 s",
    );
    connection.close();
    const next = await post("/v1/chat/completions", {
      ...HELLO,
      max_tokens: 1,
    });
    assertEquals(next.status, 200);
    await next.body?.cancel();
  });
});

Deno.test("serve() answers nothing but /health without the key", async () => {
  await withServer({ apiKey: "sk-1" }, async ({ server, post }) => {
    const paths = ["/", "/v1/models", "/metrics", "/events", "/nothing"];
    for (const path of paths) {
      const response = await fetch(server.url + path);
      assertEquals(response.status, 401, path);
      assertEquals((await response.json()).error.code, "invalid_api_key");
    }
    const refused = await post("/v1/chat/completions", HELLO);
    assertEquals(refused.status, 401);
    await refused.body?.cancel();
    const health = await fetch(`${server.url}/health`);
    assertEquals(await health.json(), { status: "ok" });
    const authorization = "Bearer sk-1";
    const models = await fetch(`${server.url}/v1/models`, {
      headers: { authorization },
    });
    assertEquals((await models.json()).data[0].id, "fake");
  });
});

Deno.test("serve() lets pages of the allowed origins read answers", async () => {
  const cors = ["https://good.example"];
  await withServer({ cors, apiKey: "k" }, async ({ server }) => {
    const url = `${server.url}/v1/models`;
    const headers = { origin: "https://good.example" };
    const asked = await fetch(url, {
      method: "OPTIONS",
      headers: {
        ...headers,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-stainless-os",
      },
    });
    assertEquals(asked.status, 204);
    assertEquals(
      asked.headers.get("access-control-allow-headers"),
      "authorization,x-stainless-os",
    );
    // A page must be able to read that its key is wrong.
    const refused = await fetch(url, { headers });
    assertEquals(refused.status, 401);
    assertEquals(
      refused.headers.get("access-control-allow-origin"),
      "https://good.example",
    );
    await refused.body?.cancel();
    const evil = await fetch(url, {
      method: "OPTIONS",
      headers: { origin: "https://evil.example" },
    });
    assertEquals(evil.status, 403);
    await evil.body?.cancel();
  });
});

Deno.test("serve() finds routes, and says which there are", async () => {
  await withServer({}, async ({ server, post }) => {
    const status = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(server.url + path, init);
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await status("/v1/models", { method: "HEAD" }), 200);
    assertEquals(await status("/v1/models/fake"), 200);
    assertEquals(await status("/v1/models/other"), 404);
    assertEquals(await status("/v1/models/%zz"), 404);
    assertEquals(await status("/v1/nothing"), 404);
    assertEquals(await status("/v1/completions"), 405);
    assertEquals(await status("/health", { method: "DELETE" }), 405);
    const lost = await (await post("/chat/completions", HELLO)).json();
    assertEquals(
      lost.error.message,
      "Cannot answer: there is nothing at /chat/completions, wanted /v1/chat/completions: base URLs end with /v1",
    );
    const { tokens } = await (await post("/tokenize", { content: "Hello" }))
      .json();
    const { content } = await (await post("/detokenize", { tokens })).json();
    assertEquals(content, "Hello");
    const wrong = await (await post("/detokenize", { tokens: "Hello" })).json();
    assertEquals(wrong.error.param, "tokens");
    // Nobody else would be served for as long as it takes.
    const long = await post("/tokenize", { content: "x".repeat(2 ** 18 + 1) });
    assertEquals(long.status, 400);
    assertEquals((await long.json()).error.param, "content");
    for (const path of ["/", "/health", "/metrics", "/v1/nothing"]) {
      const response = await fetch(server.url + path);
      await response.body?.cancel();
      const { headers } = response;
      assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    }
    using connection = await Deno.connect({ port: server.port });
    const request = "GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close";
    await connection.write(new TextEncoder().encode(`${request}\r\n\r\n`));
    const answer = await new Response(connection.readable).text();
    assert(answer.startsWith("HTTP/1.1 400 "), answer);
  });
});

Deno.test("serve() counts requests and tokens for Prometheus", async () => {
  await withServer({ endsTexts: false }, async ({ server, post }) => {
    const ask = { ...HELLO, max_tokens: 3 };
    for (let i = 0; i < 2; i++) {
      await (await post("/v1/chat/completions", ask)).body?.cancel();
    }
    await (await post("/v1/chat/completions", {})).body?.cancel();
    await (await fetch(`${server.url}/no/such/path`)).body?.cancel();
    const response = await fetch(`${server.url}/metrics`);
    assertEquals(
      response.headers.get("content-type"),
      "text/plain; version=0.0.4; charset=utf-8",
    );
    const text = await response.text();
    const chat = 'path="/v1/chat/completions"';
    for (
      const line of [
        `moeno_requests_total{${chat},status="200"} 2`,
        `moeno_requests_total{${chat},status="400"} 1`,
        'moeno_requests_total{path="other",status="404"} 1',
        `moeno_request_seconds_count{${chat}} 3`,
        "moeno_first_token_seconds_count 2",
        "moeno_completion_tokens_total 6",
        "moeno_requests_running 0",
        'moeno_model_info{model="fake",adapter="no GPU"} 1',
      ]
    ) {
      assert(text.includes(`\n${line}\n`), `${line} in ${text}`);
    }
    const cached = /^moeno_cached_tokens_total (\d+)$/m.exec(text)![1];
    const ran = /^moeno_prompt_tokens_total (\d+)$/m.exec(text)![1];
    assertEquals(Number(ran), Number(cached) + 2); // the last is run again
  });
});

Deno.test("serve() refuses options that make no sense, and ports in use", async () => {
  using engine = await fakeEngine();
  const wrong: ServeOptions[] = [
    { port: 70000 },
    { maxQueue: -1 },
    // No header that is sent would be the same.
    ...["", "schlüssel", "line\n", " sk-1"].map((apiKey) => ({ apiKey })),
    // No browser sends these as an origin.
    ...[
      "example.com",
      "localhost:3000",
      "https://example.com/",
      "https://Example.com",
      "https://*.example.com",
      "",
    ].map((origin) => ({ cors: ["*", origin] })),
  ];
  for (const options of wrong) {
    await assertRejects(
      async () => await serve(engine, options),
      RangeError,
      "Cannot serve: ",
    );
  }
  const cors = ["*", "null", "http://[::1]:3000", "app://obsidian.md"];
  await using server = await serve(engine, { port: 0, cors });
  await assertRejects(
    async () => await serve(engine, { port: server.port }),
    Error,
    "the port is in use",
  );
});
