/** `pull()` from hubs and networks that do not behave. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { pull } from "../mod.ts";
import { HubServer, type HubServerOptions, times } from "./_hub_server.ts";
import { assertPulled, listing, MODEL, pullLab } from "./_pull.ts";
import { assertSentence } from "./_sentence.ts";

const WEIGHTS = /model-00001/;
const CDN = { port: "cdn", path: WEIGHTS } as const;

/** Pulls from a hub that gets over its faults; returns why it tried again. */
async function getsOver(
  fault: HubServerOptions["fault"],
  stallMs = 60_000,
): Promise<{ reasons: string[]; waits: number[] }> {
  await using lab = pullLab({ fault: fault! });
  const { outcome } = await lab.pull({}, { stallMs });
  assertEquals(outcome, "pulled");
  await assertPulled(lab.directory, lab.files);
  return lab;
}

/** Pulls from a hub that does not; the model must not appear. */
async function failsWith(
  fault: HubServerOptions["fault"],
  says: string,
  token: string | null = null,
): Promise<number> {
  await using lab = pullLab({ fault: fault! });
  await assertSentence(() => lab.pull({ token }), says);
  assertEquals(await listing(lab.directory), []);
  return lab.waits.length;
}

Deno.test("pull() goes on when connections drop, from where they did", async () => {
  await using lab = pullLab({
    fault: ({ port }) => port === "cdn" ? { dropAfter: 300_000 } : undefined,
  });
  const { receivedByteLength, byteLength } = await lab.pull();
  await assertPulled(lab.directory, lab.files);
  // Nothing came twice, and each time something came.
  assertEquals(receivedByteLength, byteLength);
  // Pieces of a megabyte, and what is left of 3,500,001 and 1,200,000 bytes.
  assertEquals(lab.waits.length, 3 * 3 + 1 + 3 + 0);
  assert(Math.max(...lab.waits) < 1000);
});

Deno.test("pull() gets over wrong lengths and wrong ranges", async () => {
  const length = await getsOver(
    times(2, { path: /tokenizer/ }, { headers: { "content-length": "7" } }),
  );
  assert(length.reasons[0]!.includes("a file of 7 bytes, wanted 17"));
  const range = await getsOver(
    times(2, CDN, { headers: { "content-range": "bytes 1-9/3500001" } }),
  );
  assert(range.reasons[0]!.includes("with bytes 1-9/3500001, wanted bytes"));
  const total = await getsOver(
    times(1, CDN, { headers: { "content-range": "bytes 0-1048575/9" } }),
  );
  assert(
    total.reasons[0]!.includes("bytes 0-1048575/9, wanted bytes from 0 of"),
  );
});

Deno.test("pull() takes files whole where a server knows no ranges", async () => {
  const ignoring = (request: { port: string }) =>
    request.port === "cdn" ? { ignoresRange: true } : undefined;
  await using lab = pullLab({ fault: ignoring });
  const { receivedByteLength, byteLength } = await lab.pull();
  await assertPulled(lab.directory, lab.files);
  assertEquals(receivedByteLength, byteLength);
  assertEquals(
    lab.hub.requests.filter(({ port, path }) =>
      port === "cdn" && WEIGHTS.test(path)
    ).length,
    1,
  );
  // Some machines of a network do, and others do not; some drop besides.
  let count = 0;
  await getsOver(({ port }) =>
    port === "cdn"
      ? count++ % 2 === 0
        ? { ignoresRange: true, dropAfter: 1_200_000 + 400_000 * count }
        : {}
      : undefined
  );
});

Deno.test("pull() ends requests that stall", async () => {
  const { reasons } = await getsOver(
    times(2, CDN, { stallAfter: 70_000 }),
    300,
  );
  // More if this machine is busy: then others come too late as well.
  assert(reasons.length >= 2, reasons.join("\n"));
  assert(/: 127.0.0.1:\d+ sent nothing for 0.3 s$/.test(reasons[0]!));
});

Deno.test("pull() waits as long as a hub wants, else longer and longer", async () => {
  const { waits } = await getsOver(
    times(2, { path: /config/ }, {
      status: 429,
      headers: { "retry-after": "7" },
    }),
  );
  assertEquals(waits, [7000, 7000]);
  // As Hugging Face says it: until its window of five minutes is over.
  const { waits: windows } = await getsOver(
    times(1, { path: /config/ }, {
      status: 429,
      headers: { "ratelimit": '"resolvers";r=0;t=211' },
    }),
  );
  assertEquals(windows, [211_000]);
  for (const status of [500, 502, 503, 504]) {
    const list = await getsOver(times(2, { path: /api/ }, { status }));
    assertEquals(list.waits.length, 2);
  }
  const { waits: growing } = await getsOver(times(4, CDN, { status: 503 }));
  assertEquals(growing.length, 4);
});

Deno.test("pull() asks for a new address when that of a file has run out", async () => {
  for (const status of [401, 403, 404, 410]) {
    const { reasons } = await getsOver(times(1, CDN, { status }));
    assertEquals(reasons.length, 1);
    assert(!reasons[0]!.includes("secret"), reasons[0]);
  }
});

Deno.test("pull() gives up in a sentence that has no address of a file", async () => {
  assertEquals(
    await failsWith(
      ({ port }) => port === "cdn" ? { status: 503 } : undefined,
      "answered 503, 10 times in a row, wanted an answer; try again later",
    ) >= 9,
    true,
  );
  await failsWith(
    () => ({ status: 429, headers: { "retry-after": "3600" } }),
    "answered 429, and wants us to wait 60 minutes; try again then",
  );
  await failsWith(
    ({ port }) => port === "cdn" ? { dropAfter: 0 } : undefined,
    "Cannot fetch model-0000",
  );
  const loop = { location: "/again" };
  await failsWith(
    () => ({ status: 302, headers: loop }),
    "redirects again and again, 4 times in a row",
  );
  await failsWith(
    () => ({ status: 302, headers: { location: "file:///etc/passwd" } }),
    "redirects to nowhere",
  );
});

Deno.test("pull() fetches a file with wrong bytes once more, and no more", async () => {
  const once = await getsOver(times(1, CDN, { isWrong: true }));
  assertEquals(once.reasons.length, 1);
  assert(
    /model-00001.*: its SHA-256 is \w{64}, wanted \w{64}$/.test(
      once.reasons[0]!,
    ),
  );
  const small = await getsOver(
    times(1, { path: /tokenizer/ }, { isWrong: true }),
  );
  assert(small.reasons[0]!.includes("its git SHA-1 is"));
  await failsWith(
    ({ port }) => port === "cdn" ? { isWrong: true } : undefined,
    "as the hub says; it came twice like this, try again later or from another --endpoint",
  );
});

Deno.test("pull() says what a refusal is about, and does not ask again", async () => {
  const cases: [number, string | null, string | null, string][] = [
    [401, "GatedRepo", null, "its terms are to be accepted first, wanted that"],
    [
      403,
      "GatedRepo",
      "hush",
      "does not give it to the account of HF_TOKEN, wanted",
    ],
    [401, "RepoNotFound", null, "has no public model owner/name, wanted"],
    [401, null, "hush", "refuses the token with 401, wanted HF_TOKEN to be"],
    [403, null, null, "wants to know who asks (403), wanted HF_TOKEN set"],
    [404, "RepoNotFound", null, "has no public model owner/name, wanted"],
    [404, "RevisionNotFound", null, "it has no revision main, wanted a branch"],
    [400, null, null, "answered 400, wanted 200"],
  ];
  for (const [status, code, token, says] of cases) {
    const headers: Record<string, string> = code === null
      ? {}
      : { "x-error-code": code };
    const waitCount = await failsWith(() => ({ status, headers }), says, token);
    assertEquals(waitCount, 0);
    // Some let everybody read the list, but not the files.
    await failsWith(
      ({ path }) => path.includes("resolve") ? { status, headers } : undefined,
      says,
      token,
    );
  }
});

Deno.test("pull() refuses paths that leave the model's directory", async () => {
  for (
    const path of [
      "../evil.json",
      "a/../../evil.json",
      "/evil.json",
      "..\\e.json",
    ]
  ) {
    await using lab = pullLab();
    lab.hub.publish(MODEL, { ...lab.files, [path]: new Uint8Array(3) });
    await assertSentence(
      () => lab.pull({ include: ["**", "*", "*evil*"] }),
      "wanted a path below the model's directory",
    );
    assertEquals(await listing(lab.home), []);
    assertEquals(lab.hub.requests.length, 1);
  }
});

Deno.test("pull() says when a model is none that load() reads", async () => {
  await using lab = pullLab();
  lab.hub.publish(MODEL, {
    "m.gguf": new Uint8Array(9),
    "config.json": new Uint8Array(2),
  });
  await assertSentence(
    () => lab.pull(),
    "it has no *.safetensors files but *.gguf, wanted a Mixtral as transformers saves it",
  );
  lab.hub.publish(MODEL, { "README.md": new Uint8Array(9) });
  await assertSentence(
    () => lab.pull(),
    "it has no *.safetensors files, wanted",
  );
  lab.hub.publish(MODEL, { "m.safetensors": new Uint8Array(9) });
  await assertSentence(() => lab.pull(), "it has no config.json, wanted");
  await assertSentence(
    () => lab.pull({ exclude: ["*"] }),
    "none of its 1 files is chosen, wanted other --include and --exclude",
  );
});

Deno.test("pull() says when the answer is none of a hub, or none comes", async () => {
  await using server = new HubServer({
    fault: () => ({ status: 200, headers: { "content-type": "text/html" } }),
  });
  const home = "/nowhere/moeno-test";
  await assertRejects(
    () => pull(MODEL, { endpoint: server.endpoint, token: null, home }),
    Error,
    "the answer is no list of files, wanted a hub like Hugging Face; is --endpoint right?",
  );
  await using lab = pullLab();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const closing = (async () => {
    for await (const connection of listener) connection.close();
  })();
  const endpoint = `http://127.0.0.1:${port}`;
  const says = `127.0.0.1:${port} does not answer as it should (`;
  await assertSentence(() => lab.pull({ endpoint }), says);
  listener.close();
  await closing;
  await assertSentence(
    () => lab.pull({ endpoint }),
    "wanted a connection; HTTPS_PROXY names a proxy, HF_ENDPOINT a mirror",
  );
  // Less patience than with a file: whoever has no network hears of it soon.
  assertEquals(lab.waits.length, 3 + 3);
});
