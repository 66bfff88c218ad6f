// deno-lint-ignore-file camelcase -- the names are those of the API
/** Clients of a server that behave badly, and those that do not. */

import { assert, assertEquals } from "@std/assert";
import type { Server } from "../src/server/serve.ts";

/** The key of the server. */
export const KEY = "sk-chaos";

/** Longer bodies are too long. */
export const MAX_BODY = 20_000;

/** What a chat asks for; the same gives the same answer. */
interface Chat {
  readonly messages: { role: string; content: string }[];
  readonly seed: number;
  readonly max_tokens: number;
}

/** How much the clients want. */
export interface ClientsOptions {
  /** How many different chats there are. */
  readonly chatCount?: number;
  /** The most tokens of an answer that is waited for. */
  readonly maxTokens?: number;
  /** How often the user speaks in a chat, at most. */
  readonly turnCount?: number;
}

/** Chats of a few conversations, some of which go on from others. */
function chats(
  random: () => number,
  { chatCount = 24, maxTokens = 45, turnCount = 3 }: ClientsOptions,
): Chat[] {
  return Array.from({ length: chatCount }, (_, i) => {
    const turns = 1 + 2 * Math.floor(random() * turnCount);
    const messages = Array.from({ length: turns }, (_, turn) => ({
      role: turn % 2 === 0 ? "user" : "assistant",
      content: `Talk ${i % 6} ${turn}`,
    }));
    return {
      messages,
      seed: i,
      max_tokens: 5 + Math.floor(random() * (maxTokens - 4)),
    };
  });
}

/** Fields of wrong types, and what the error has to name. */
const WRONG: readonly [object, string][] = [
  [{ messages: "Hello" }, "messages"],
  [{ messages: [{ role: 5, content: "" }] }, "messages[0].role"],
  [{ messages: [{ role: "user", content: 5 }] }, "messages[0].content"],
  [{ model: 5 }, "model"],
  [{ temperature: [] }, "temperature"],
  [{ top_p: 2 }, "top_p"],
  [{ top_k: 1.5 }, "top_k"],
  [{ min_p: "0.1" }, "min_p"],
  [{ repetition_penalty: 0 }, "repetition_penalty"],
  [{ presence_penalty: true }, "presence_penalty"],
  [{ frequency_penalty: {} }, "frequency_penalty"],
  [{ repeat_last_n: -2 }, "repeat_last_n"],
  [{ seed: "x" }, "seed"],
  [{ stop: {} }, "stop"],
  [{ n: 0 }, "n"],
  [{ max_tokens: -1 }, "max_tokens"],
  [{ max_completion_tokens: 1.5 }, "max_completion_tokens"],
  [{ stream: 1 }, "stream"],
  [{ stream_options: [] }, "stream_options"],
  [{ ignore_eos: "yes" }, "ignore_eos"],
  [{ logprobs: 1 }, "logprobs"],
  [{ logprobs: true, top_logprobs: 21 }, "top_logprobs"],
  [{ logit_bias: [] }, "logit_bias"],
  [{ logit_bias: { 1000000: 1 } }, "logit_bias"],
  [{ response_format: { type: "x" } }, "response_format.type"],
  [
    { response_format: { type: "json_schema", json_schema: { schema: 5 } } },
    "response_format",
  ],
];

const BROKEN = ["", "{", "[1]", "nul", '{"messages":[}', "\u0000", '"text"'];

/** What clients do; each checks what it gets. */
export class Clients {
  readonly #server: Server;
  readonly #random: () => number;
  readonly #chats: readonly Chat[];
  /** What is done next, the last first: everything comes at times. */
  #plan: string[] = [];
  /** The answers that a client alone gets. */
  readonly #expected: string[] = [];
  /** How often what was done. */
  readonly counts: Record<string, number> = {};

  /**
   * Constructs clients of a server.
   *
   * @param server The server; its key is `KEY`, and it takes bodies of `MAX_BODY`
   * bytes at most.
   * @param random Decides what they do.
   * @param options How much they want.
   */
  constructor(
    server: Server,
    random: () => number,
    options: ClientsOptions = {},
  ) {
    this.#server = server;
    this.#random = random;
    this.#chats = chats(random, options);
  }

  /** Hears every answer, one after the other, with nobody else there. */
  async learn(): Promise<void> {
    this.#expected.length = 0;
    for (const chat of this.#chats) {
      this.#expected.push(await this.#textOf(chat, false));
    }
  }

  /** One request of any kind. */
  async act(): Promise<void> {
    const kinds = {
      whole: () => this.#answer(false),
      stream: () => this.#answer(true),
      abortEarly: () => this.#abort(this.#below(30), false),
      abortStream: () => this.#abort(this.#below(60), true),
      oversize: () => this.#status({ messages: "x".repeat(MAX_BODY) }, 413),
      oversizeChunked: () => this.#oversizeChunked(),
      broken: () => this.#status(this.#pick(BROKEN), 400),
      wrong: () => this.#wrong(),
      wrongKey: () => this.#wrongKey(),
      route: () => this.#route(),
      halfRequest: () =>
        this.#raw(`POST /v1/chat/completions HTTP/1.1\r\nHost: x`),
      halfBody: () => this.#raw(this.#http("{", 500)),
      halfClosed: () => this.#halfClosed(),
      garbage: () => this.#raw("\x16\x03\x01 no HTTP at all\r\n\r\n"),
      deaf: () =>
        this.#raw(
          this.#http(
            JSON.stringify({ ...this.#pick(this.#chats), stream: true }),
          ),
        ),
    };
    if (this.#plan.length === 0) {
      this.#plan = this.#shuffled(
        Object.keys(kinds).concat("whole", "whole", "stream", "stream"),
      );
    }
    const kind = this.#plan.pop() as keyof typeof kinds;
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    await kinds[kind]();
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  #shuffled<T>(list: readonly T[]): T[] {
    const left = [...list];
    return list.map(() => left.splice(this.#below(left.length), 1)[0]!);
  }

  #post(body: unknown, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.#server.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
    });
  }

  async #textOf(chat: Chat, stream: boolean): Promise<string> {
    const response = await this.#post({ ...chat, stream });
    assertEquals(response.status, 200);
    if (!stream) return (await response.json()).choices[0].message.content;
    const blocks = (await response.text()).split("\n\n");
    return blocks.filter((block) => block.startsWith("data: {"))
      .map((block) => JSON.parse(block.slice(6)))
      .map(({ choices, error }) => {
        assert(error === undefined, JSON.stringify(error));
        return choices[0].delta.content ?? "";
      }).join("");
  }

  async #answer(stream: boolean): Promise<void> {
    const i = this.#below(this.#chats.length);
    const text = await this.#textOf(this.#chats[i]!, stream);
    assertEquals(text, this.#expected[i], `chat ${i}, stream ${stream}`);
  }

  async #abort(ms: number, stream: boolean): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    const timer = setTimeout(() => controller.abort(), ms);
    try {
      const chat = { ...this.#pick(this.#chats), max_tokens: 400, stream };
      await (await this.#post(chat, { signal })).text();
    } catch (error) {
      assertEquals((error as Error).name, "AbortError");
    } finally {
      clearTimeout(timer);
    }
  }

  async #status(body: unknown, status: number): Promise<void> {
    const response = await this.#post(body);
    assertEquals(response.status, status);
    assert((await response.json()).error.message.startsWith("Cannot "));
  }

  async #oversizeChunked(): Promise<void> {
    const body = new Blob(["x".repeat(MAX_BODY + 1)]).stream();
    const response = await this.#post("", { body });
    assertEquals(response.status, 413);
    await response.body?.cancel();
  }

  async #wrong(): Promise<void> {
    const [fields, param] = this.#pick(WRONG);
    const response = await this.#post({ ...this.#chats[0], ...fields });
    assertEquals(response.status, 400);
    assertEquals((await response.json()).error.param, param);
  }

  async #wrongKey(): Promise<void> {
    const authorization = this.#pick([
      "Bearer sk-other",
      "Basic Og==",
      "",
      KEY,
    ]);
    const response = await this.#post(this.#chats[0], {
      headers: { authorization },
    });
    assertEquals(response.status, 401);
    await response.body?.cancel();
  }

  async #route(): Promise<void> {
    const [path, status] = this.#pick([
      ["/v1/nothing", 404],
      ["/v1/completions", 405],
      ["/%00%ff%2e%2e", 404],
    ]);
    const response = await fetch(`${this.#server.url}${path}`, {
      headers: { authorization: `Bearer ${KEY}` },
    });
    assertEquals(response.status, status);
    await response.body?.cancel();
  }

  #http(body: string, length = body.length): string {
    return `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n` +
      `Authorization: Bearer ${KEY}\r\nContent-Length: ${length}\r\n\r\n${body}`;
  }

  /** Writes, waits, reads nothing and goes. */
  async #raw(text: string): Promise<void> {
    const connection = await Deno.connect({ port: this.#server.port });
    try {
      await connection.write(new TextEncoder().encode(text));
      await new Promise((resolve) => setTimeout(resolve, this.#below(80)));
    } finally {
      connection.close();
    }
  }

  /** Asks and says that it will say no more, as `nc -N` does. */
  async #halfClosed(): Promise<void> {
    const connection = await Deno.connect({ port: this.#server.port });
    try {
      const body = JSON.stringify(this.#pick(this.#chats));
      await connection.write(new TextEncoder().encode(this.#http(body)));
      await connection.closeWrite();
      const buffer = new Uint8Array(1000);
      while (await connection.read(buffer) !== null);
    } catch (error) {
      assert(error instanceof Deno.errors.ConnectionReset, String(error));
    } finally {
      connection.close();
    }
  }
}
