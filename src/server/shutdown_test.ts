// deno-lint-ignore-file camelcase -- the names are those of the API
/** What becomes of requests when a server stops, as a load balancer sees it. */

import { assert, assertEquals } from "@std/assert";
import { fakeEngine } from "./_fake_engine.ts";
import { serve, type Server } from "./serve.ts";
import type { ServeOptions } from "./serve_options.ts";
import { untilWaiting } from "./_until.ts";

const HELLO = { messages: [{ role: "user", content: "Hello" }], seed: 3 };
const STREAM = { ...HELLO, stream: true, max_tokens: 3 };

/** A server, and a request that its model answers until it may end. */
interface Busy extends AsyncDisposable {
  readonly server: Server;
  /** The answer of the request that runs. */
  readonly running: Promise<Response>;
  /** Lets the model go on. */
  goOn(): void;
}

/** Makes a server whose model stands still in the middle of an answer. */
async function busyServer(options: ServeOptions = {}): Promise<Busy> {
  const stack = new AsyncDisposableStack();
  const gate = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const engine = stack.use(
    await fakeEngine({
      endsTexts: false,
      onRun: () => {
        began.resolve();
        return gate.promise;
      },
    }),
  );
  const server = stack.use(await serve(engine, { port: 0, ...options }));
  stack.defer(() => gate.resolve());
  const running = ask(server, { ...HELLO, max_tokens: 5 });
  await began.promise;
  return {
    server,
    running,
    goOn: () => gate.resolve(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function ask(
  { url }: Server,
  body: object,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify(body),
    ...init,
  });
}

Deno.test("serve() turns a waiting stream away with a status when it stops", async () => {
  await using busy = await busyServer();
  const { server } = busy;
  const waiting = ask(server, STREAM);
  await untilWaiting(server, 1);
  const stopped = server.shutdown();
  const refused = await waiting;
  assertEquals(refused.status, 503);
  assertEquals(refused.headers.get("retry-after"), "10");
  assertEquals((await refused.json()).error.code, "server_stopping");
  busy.goOn();
  const { choices } = await (await busy.running).json();
  assertEquals(choices[0].finish_reason, "length");
  await stopped;
});

Deno.test("serve() answers a waiting stream whose response has begun before it stops", async () => {
  await using busy = await busyServer({ headMs: 0 });
  const { server } = busy;
  const response = await ask(server, STREAM); // while another one runs
  assertEquals(response.status, 200);
  const stopped = server.shutdown();
  busy.goOn();
  const text = await response.text();
  assert(text.includes('"finish_reason":"length"'), text);
  assert(text.endsWith("data: [DONE]\n\n"), text);
  assertEquals((await busy.running).status, 200);
  await (await busy.running).body?.cancel();
  await stopped;
});

Deno.test("serve() tells a waiting stream that it stops when its grace is over", async () => {
  await using busy = await busyServer({ headMs: 0, graceMs: 50 });
  const { server } = busy;
  const response = await ask(server, STREAM);
  const stopped = server.shutdown();
  const [event] = (await response.text()).split("\n\n");
  const { error } = JSON.parse(event!.slice("data: ".length));
  assertEquals(error.code, "server_stopping");
  busy.goOn();
  assertEquals((await busy.running).status, 503);
  await (await busy.running).body?.cancel();
  await stopped;
});

Deno.test("serve() forgets a stream whose client goes before its turn", async () => {
  await using busy = await busyServer();
  const { server } = busy;
  const controller = new AbortController();
  const { signal } = controller;
  const gone = ask(server, STREAM, { signal }).catch(() => "gone");
  await untilWaiting(server, 1);
  controller.abort();
  assertEquals(await gone, "gone");
  await untilWaiting(server, 0);
  busy.goOn();
  await (await busy.running).body?.cancel();
});
