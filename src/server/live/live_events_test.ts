/** `/events` over HTTP, with an engine that needs no GPU. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Experts } from "../../engine/experts.ts";
import { fakeEngine } from "../_fake_engine.ts";
import { until } from "../_until.ts";
import { ApiError } from "../http/api_error.ts";
import { serve, type Server } from "../serve.ts";
import type { ExpertsEvent, ModelEvent, RatesEvent } from "./live_event.ts";
import { LiveEvents } from "./live_events.ts";

/** One who looks on, and reads. */
class Reader {
  readonly events: { event: string; data: unknown }[] = [];
  isOver = false;
  readonly #aborter = new AbortController();

  async begin({ url }: Server): Promise<void> {
    const { signal } = this.#aborter;
    const response = await fetch(`${url}/events`, { signal });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    void this.#read(response);
  }

  leave(): void {
    this.#aborter.abort();
  }

  all<T>(name: string): T[] {
    return this.events.filter(({ event }) => event === name)
      .map(({ data }) => data as T);
  }

  async #read(response: Response): Promise<void> {
    let rest = "";
    const text = response.body!.pipeThrough(new TextDecoderStream());
    try {
      for await (const piece of text) {
        const blocks = (rest + piece).split("\n\n");
        rest = blocks.pop()!;
        for (const block of blocks) {
          const [, event, data] = /^event:(\w+)\ndata: (.*)$/.exec(block)!;
          this.events.push({ event: event!, data: JSON.parse(data!) });
        }
      }
    } catch (error) {
      if (!this.#aborter.signal.aborted) throw error;
    }
    this.isOver = true;
  }
}

/** Asks for events, and reads nothing. */
async function deafViewer({ port }: Server): Promise<Deno.Conn> {
  const connection = await Deno.connect({ port });
  const request = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  await connection.write(new TextEncoder().encode(request));
  return connection;
}

async function generate({ url }: Server, maxTokens: number): Promise<void> {
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify({ prompt: "Once upon", max_tokens: maxTokens }),
  });
  assertEquals((await response.json()).usage.completion_tokens, maxTokens);
}

Deno.test("/events tells all who look on the same, though one never reads", async () => {
  using engine = await fakeEngine({ endsTexts: false });
  await using server = await serve(engine, { port: 0 });
  const readers = [new Reader(), new Reader()];
  for (const reader of readers) await reader.begin(server);
  using _deaf = await deafViewer(server);
  const expected = new Map<string, number>();
  using _watch = engine.experts.watch(({ layer, hits }) => {
    for (const expert of hits) {
      const key = `${layer} ${expert}`;
      expected.set(key, (expected.get(key) ?? 0) + 1);
    }
  });
  await generate(server, 40);
  const [first, second] = readers as [Reader, Reader];
  const rates = () => first.all<RatesEvent>("rates");
  await until(
    () => rates().some(({ tokensPerSecond }) => tokensPerSecond > 0),
    "a rate of tokens",
  );
  const counted = (reader: Reader) => {
    const counts = new Map<string, number>();
    for (const { uses } of reader.all<ExpertsEvent>("experts")) {
      for (const [layer, expert, hits] of uses) {
        const key = `${layer} ${expert}`;
        counts.set(key, (counts.get(key) ?? 0) + hits);
      }
    }
    return counts;
  };
  for (const reader of readers) {
    await until(
      () => [...expected].every(([key, n]) => counted(reader).get(key) === n),
      "all uses",
    );
    assertEquals(counted(reader), expected);
  }
  assertEquals(first.events[0]!.event, "model");
  assertEquals(first.all<ModelEvent>("model"), [{
    name: "fake",
    adapter: "no GPU",
    layerCount: 2,
    expertCount: 4,
    topK: 2,
    contextLength: 512,
    slots: [4, 4],
    store: "resident",
  }]);
  const [now] = first.all<ExpertsEvent>("experts");
  assertEquals(now!.uses, []);
  assertEquals(now!.resident, [[0, 1, 2, 3], [0, 1, 2, 3]]);
  assert(rates().some((rate) => rate.promptTokensPerSecond > 0));
  const times = rates().map(({ timeMs }) => timeMs);
  assertEquals(times, times.toSorted((a, b) => a - b));
  await server.shutdown(); // ends all streams, that of the deaf one too
  await until(() => first.isOver && second.isOver, "the end of both streams");
});

Deno.test("/events has room for 16, and makes room when one leaves", async () => {
  using engine = await fakeEngine();
  await using server = await serve(engine, { port: 0 });
  const readers = Array.from({ length: 16 }, () => new Reader());
  for (const reader of readers) await reader.begin(server);
  const refused = await fetch(`${server.url}/events`);
  const { error } = await refused.json();
  assertEquals(refused.status, 503);
  assertEquals(error.code, "too_many_viewers");
  assertEquals(refused.headers.get("retry-after"), "10");
  readers[3]!.leave();
  await until(async () => {
    const again = await fetch(`${server.url}/events`);
    await again.body!.cancel();
    return again.status === 200;
  }, "room for one more");
});

Deno.test("LiveEvents listens to the model once, and only while anybody looks on", async () => {
  using engine = await fakeEngine();
  const { name, adapter, contextLength, config, offloadStats } = engine;
  let listenerCount = 0;
  const experts: Experts = {
    ...engine.experts,
    watch() {
      listenerCount++;
      return { [Symbol.dispose]: () => void listenerCount-- };
    },
  };
  using live = new LiveEvents({
    engine: { name, adapter, contextLength, config, offloadStats, experts },
    queue: { running: 0, waiting: 0 },
  });
  const look = () => live.respond(new Request("http://localhost/events"));
  assertEquals(listenerCount, 0);
  const responses = [look(), look()];
  assertEquals([listenerCount, live.viewerCount], [1, 2]);
  for (const { body } of responses) await body!.cancel();
  await until(() => live.viewerCount === 0, "nobody looks on");
  assertEquals(listenerCount, 0);
  const last = look();
  assertEquals(listenerCount, 1);
  live[Symbol.dispose]();
  assertEquals(listenerCount, 0);
  assert((await last.text()).startsWith("event:model"), "the stream ends");
  assertThrows(look, ApiError, "the server is stopping");
});
