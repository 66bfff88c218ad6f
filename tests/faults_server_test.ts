/** A server whose GPU is lost: who was answered is told, who comes next is answered. */

import { assert, assertEquals } from "@std/assert";
import { DeviceLostError, load, serve, type Server } from "../mod.ts";
import { fakeEngine } from "../src/server/_fake_engine.ts";
import { count } from "./_counts.ts";
import { watchDevices } from "./_faults.ts";
import { settle } from "./_gpu.ts";

const AREA = "device loss, served";
const LOST = "Cannot use the GPU: its device was lost (unknown)";

/** Asks for a text that takes a few tokens. */
function ask(
  { url }: Server,
  { stream = false, maxTokens = 8 } = {},
): Promise<Response> {
  const body = {
    prompt: "Once upon a time",
    seed: 5,
    "max_tokens": maxTokens,
    stream,
  };
  return fetch(`${url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify(body),
  });
}

async function textOf(response: Promise<Response>): Promise<string> {
  const answer = await (await response).json();
  return answer.choices[0].text;
}

async function health({ url }: Server): Promise<unknown> {
  const response = await fetch(`${url}/health`);
  return [response.status, await response.json()];
}

/** The events of a stream, as JSON. */
async function eventsOf(response: Response) {
  return (await response.text()).split("\n\n")
    .filter((block) => block.startsWith("data: {"))
    .map((block) => JSON.parse(block.slice("data: ".length)));
}

Deno.test("serve() tells of a lost device in the stream, says it is not well, and answers once the model is there again", async () => {
  let runsLeft = Infinity;
  let reloading = Promise.withResolvers<void>();
  using engine = await fakeEngine({
    endsTexts: false,
    onRun() {
      if (--runsLeft === 0) throw new DeviceLostError(LOST);
    },
    onReload: () => reloading.promise,
  });
  await using server = await serve(engine, { port: 0 });
  const events = await fetch(`${server.url}/events`);
  const expected = await textOf(ask(server));

  runsLeft = 5;
  const stream = eventsOf(await ask(server, { stream: true }));
  const next = textOf(ask(server)); // waits behind it, then for the model
  const { error } = (await stream).at(-1);
  assertEquals([error.code, error.type], ["device_lost", "server_error"]);
  assert(error.message.startsWith(LOST), error.message);
  assertEquals((await stream).length, 5, "four tokens, then the error");
  const [status, { status: word, error: why }] = await health(server) as [
    number,
    Record<string, string>,
  ];
  assertEquals([status, word], [503, "device lost"]);
  assert(why!.startsWith(LOST), why);
  reloading.resolve();
  assertEquals(await next, expected);
  assertEquals(await health(server), [200, { status: "ok" }]);

  // It cannot be loaded: a status that says so, until it can.
  reloading = Promise.withResolvers();
  reloading.promise.catch(() => {});
  reloading.reject(new Error("Cannot open a GPU: there is none"));
  runsLeft = 3;
  for (let i = 0; i < 3; i++) {
    const response = await ask(server);
    const { error } = await response.json();
    assertEquals([response.status, error.code], [503, "device_lost"]);
    assertEquals(response.headers.get("retry-after"), "10");
    if (i > 0) assert(/there is none$/.test(error.message), error.message);
    assertEquals((await health(server) as unknown[])[0], 503);
  }
  reloading = Promise.withResolvers();
  reloading.resolve();
  await engine.revive(); // whatever was tried last has failed by then
  assertEquals(await textOf(ask(server)), expected);
  assertEquals(await health(server), [200, { status: "ok" }]);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert(metrics.includes("\nmoeno_requests_running 0\n"), metrics);
  await server.shutdown();
  const told = (await events.text()).split("\n\n");
  assert(told.some((event) => /^event: ?experts/.test(event)), "no events");
  count(AREA, "faults injected", 2);
  count(AREA, "recoveries", 2);
});

Deno.test("serve() stops while the model is loaded again", async () => {
  const reloading = Promise.withResolvers<void>();
  let isLost = false;
  const engine = await fakeEngine({
    onRun() {
      if (isLost) throw new DeviceLostError(LOST);
    },
    onReload: () => reloading.promise,
  });
  const server = await serve(engine, { port: 0, graceMs: 50 });
  isLost = true;
  const refused = await ask(server);
  await refused.body?.cancel();
  assertEquals(refused.status, 503);
  const waiting = await ask(server, { stream: true });
  await server.shutdown();
  await waiting.text().catch(() => {}); // it is cut, or told
  engine[Symbol.dispose]();
  reloading.resolve();
  await settle();
});

Deno.test({
  name: "serve() answers the same on another device",
  ignore: Deno.env.get("MOENO_LONG") !== "1", // the rest is the same without a GPU
  fn: onAnotherDevice,
});

async function onAnotherDevice(): Promise<void> {
  using devices = watchDevices();
  {
    using engine = await load("models/stories-17m-q", { contextLength: 64 });
    await using server = await serve(engine, { port: 0 });
    const expected = await textOf(ask(server));
    const stream = await ask(server, { stream: true, maxTokens: 50 });
    const reader = stream.body!.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = (await reader.read()).value!;
    devices.lose();
    for (let end = false; !end;) {
      const { done, value = "" } = await reader.read();
      text += value;
      end = done;
    }
    assert(text.includes('"code":"device_lost"'), text);
    assertEquals(await textOf(ask(server)), expected);
    assertEquals([devices.opened, devices.alive], [2, 1]);
  }
  assertEquals(devices.alive, 0);
  await settle();
  count(AREA, "faults injected", 1);
  count(AREA, "recoveries", 1);
}
