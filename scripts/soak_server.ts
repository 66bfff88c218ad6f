// deno-lint-ignore-file no-console
/**
 * A server under clients that behave badly, for a long time: what answers, and what
 * memory does meanwhile. Answers are compared with those of a client alone.
 *
 * deno run -A scripts/soak_server.ts [--seconds 300] [--clients 16] [--seed 1]
 *   [--model models/stories-17m-q] [--slots 3]
 *
 * Without a model a made-up one answers at once, so that minutes are as many requests
 * as hours of a real one.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { load, serve } from "../mod.ts";
import { seededRandom } from "../src/engine/random.ts";
import { fakeEngine } from "../src/server/_fake_engine.ts";
import { countBuffers } from "../tests/_count_buffers.ts";
import { Clients, KEY, MAX_BODY } from "../tests/_server_clients.ts";

const args = parseArgs(Deno.args, {
  string: ["model", "slots"],
  default: { seconds: 300, clients: 16, seed: 1 },
});
const LINES = 12;
const MIB = 2 ** 20;

using buffers = countBuffers();
using engine = args.model === undefined ? await fakeEngine() : await load(
  String(args.model),
  {
    promptCacheBytes: 16 * MIB,
    ...args.slots !== undefined && { slots: Number(args.slots) },
  },
);
let requestCount = 0;
const statuses = new Map<number, number>();
await using server = await serve(engine, {
  port: 0,
  apiKey: KEY,
  maxQueue: 100,
  maxBodyBytes: MAX_BODY,
  onRequest: ({ status }) => {
    requestCount++;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  },
});
const clients = new Clients(server, seededRandom(Number(args.seed)));
await clients.learn();
const start = performance.now();
const seconds = () => (performance.now() - start) / 1000;
let isOver = false;
const working = Promise.all(
  Array.from({ length: Number(args.clients) }, async () => {
    while (!isOver) await clients.act();
  }),
);
/** Times in seconds with MiB of the process. */
const points: [number, number][] = [];
console.log(
  "seconds  requests  rss MiB  heap MiB  external MiB  GPU buffers  MiB",
);
for (let i = 1; i <= LINES; i++) {
  await new Promise((done) =>
    setTimeout(done, Number(args.seconds) / LINES * 1000)
  );
  const { rss, heapUsed, external } = Deno.memoryUsage();
  points.push([seconds(), rss / MIB]);
  console.log([
    seconds().toFixed(0).padStart(7),
    String(requestCount).padStart(8),
    ...[rss, heapUsed, external].map((n) => (n / MIB).toFixed(1).padStart(8)),
    String(buffers.count).padStart(11),
    (buffers.byteLength / MIB).toFixed(1),
  ].join("  "));
}
isOver = true;
await working;
await clients.learn();
console.log(`requests by status: ${JSON.stringify([...statuses].sort())}`);
console.log(`what clients did: ${JSON.stringify(clients.counts)}`);
// The first third warms caches up.
const late = points.slice(LINES / 3);
console.log(
  `${requestCount} requests in ${seconds().toFixed(0)} s; memory ${
    (slopeOf(late) * 3600).toFixed(1)
  } MiB an hour in the last two thirds; every answer as that of a client alone`,
);

/** How fast the second number grows with the first. */
function slopeOf(pairs: readonly [number, number][]): number {
  const mean = (k: 0 | 1) =>
    pairs.reduce((sum, pair) => sum + pair[k], 0) / pairs.length;
  const [x, y] = [mean(0), mean(1)];
  const above = pairs.reduce(
    (sum, pair) => sum + (pair[0] - x) * (pair[1] - y),
    0,
  );
  return above / pairs.reduce((sum, pair) => sum + (pair[0] - x) ** 2, 0);
}
