/** Bytes that come to the port of the server, HTTP or not. */

import { assert, assertEquals } from "@std/assert";
import type { Server } from "../../src/server/serve.ts";
import { mutatedBytes } from "./_mutated_bytes.ts";
import { good, start } from "./http.ts";
import type { Target } from "./_target.ts";

const BODY = '{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2}';

const post = (headers: readonly string[], body: string) =>
  [
    "POST /v1/chat/completions HTTP/1.1",
    "host: 127.0.0.1",
    "connection: close",
    ...headers,
    "",
    body,
  ].join("\r\n");

const REQUESTS = [
  post([`content-length: ${BODY.length}`], BODY),
  post(
    ["transfer-encoding: chunked"],
    `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
  ),
  post(["content-length: 99999999999", "expect: 100-continue"], BODY),
  "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
  "GET http://evil.example/ HTTP/1.1\r\nhost: [::1\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nhost: a\r\norigin: null\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
].map((text) => new TextEncoder().encode(text));

/** Longer than this nobody waits for what a server may leave open. */
const PATIENCE_MS = 500;

let made: Promise<Server> | undefined;

/** What the good request was answered first. */
let wanted: string | undefined;

/** `serve()`, below `Request` */
export const HTTP_BYTES: Target<Uint8Array<ArrayBuffer>> = {
  name: "http bytes",
  cases: 100,
  inputs: mutatedBytes(REQUESTS),
  async feed(bytes) {
    const server = await (made ??= start());
    wanted ??= await good(server);
    const answer = await send(server, bytes);
    assertEquals(await good(server), wanted, "the next answer is another");
    // Nothing, or the frames of HTTP/2.
    if (answer === "" || answer.startsWith("\0")) return "refused";
    const [, status] = /^HTTP\/1\.[01] (\d{3}) /.exec(answer) ?? [];
    assert(status !== undefined, `no HTTP: ${answer.slice(0, 200)}`);
    assert(Number(status) < 500, answer.slice(0, 500));
    return Number(status) < 400 ? "accepted" : "refused";
  },
};

/** Sends bytes, and takes what comes until the end or for a while. */
async function send(
  { port }: Server,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let answer = "";
  const decoder = new TextDecoder();
  const talk = async () => {
    for (let at = 0; at < bytes.length;) {
      at += await connection.write(bytes.subarray(at));
    }
    await connection.closeWrite();
    const buffer = new Uint8Array(4096);
    while (true) {
      const count = await connection.read(buffer);
      if (count === null) return;
      answer += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<void>((done) => {
    timer = setTimeout(done, PATIENCE_MS);
  });
  // A server may cut the connection at any point.
  await Promise.race([talk().catch(() => {}), patience]);
  clearTimeout(timer);
  return answer;
}
