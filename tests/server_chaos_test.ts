/** Clients that behave badly, all at once, and those that do not. */

import { assert, assertEquals } from "@std/assert";
import { load } from "../mod.ts";
import type { Engine } from "../src/engine/engine.ts";
import { seededRandom } from "../src/engine/random.ts";
import { fakeEngine } from "../src/server/_fake_engine.ts";
import type { RequestRecord } from "../src/server/request_record.ts";
import { serve } from "../src/server/serve.ts";
import { count } from "./_counts.ts";
import { countBuffers } from "./_count_buffers.ts";
import { settle } from "./_gpu.ts";
import {
  Clients,
  type ClientsOptions,
  KEY,
  MAX_BODY,
} from "./_server_clients.ts";

const SEED = 20261126;

/** How much is done to a server. */
interface Chaos extends ClientsOptions {
  readonly clientCount: number;
  readonly requestCount: number;
  /** Called when nobody but us has asked yet, and when all have gone. */
  readonly atRest?: () => void;
}

/** Lets clients loose on an engine, and checks what is left. */
async function chaos(engine: Engine, options: Chaos): Promise<void> {
  const { clientCount, requestCount, atRest = () => {} } = options;
  const records: RequestRecord[] = [];
  await using server = await serve(engine, {
    port: 0,
    apiKey: KEY,
    maxQueue: 100,
    maxBodyBytes: MAX_BODY,
    onRequest: (record) => records.push(record),
  });
  const clients = new Clients(server, seededRandom(SEED), options);
  await clients.learn();
  atRest();
  let left = requestCount;
  await Promise.all(Array.from({ length: clientCount }, async () => {
    while (left-- > 0) await clients.act();
  }));
  count("server, bad clients", "cases tried", requestCount);
  const what = `seed ${SEED}: ${JSON.stringify(clients.counts)}`;
  // The queue is not stuck, and nobody is left in it.
  await clients.learn();
  atRest();
  const metrics = await (await fetch(`${server.url}/metrics`, {
    headers: { authorization: `Bearer ${KEY}` },
  })).text();
  assert(metrics.includes("\nmoeno_requests_running 0\n"), metrics);
  assert(metrics.includes("\nmoeno_requests_waiting 0\n"), metrics);
  for (const { status, error } of records) {
    assert(status !== 500, `${what}: ${error}`);
  }
  const statuses = new Set(records.map(({ status }) => status));
  for (const status of [200, 400, 401, 413, 499]) {
    assert(statuses.has(status), `${what}: no ${status}`);
  }
}

Deno.test("serve() survives clients that behave badly, and answers the others as ever", async () => {
  let runs = 0;
  const onRun = async () => {
    // Some tokens take their time, so that others come in between.
    if (++runs % 4 === 0) await new Promise((done) => setTimeout(done, 1));
  };
  using engine = await fakeEngine({ onRun });
  await chaos(engine, { clientCount: 16, requestCount: 200 });
});

Deno.test("serve() survives them with a model on the GPU, whose buffers stay as many", async () => {
  using buffers = countBuffers();
  using engine = await load("models/stories-17m-q", {
    contextLength: 512,
    slots: 3,
    promptCacheBytes: 300_000, // not enough for all of them
  });
  const counts: number[] = [];
  await chaos(engine, {
    clientCount: 16,
    requestCount: 28,
    chatCount: 3,
    maxTokens: 6,
    turnCount: 1,
    atRest: () => void counts.push(buffers.count),
  });
  await settle();
  const [before, after] = counts;
  assert(before! > 0);
  assertEquals(after, before);
});
