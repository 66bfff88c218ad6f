/** Streams of server-sent events, as the page reads them. */

import fc from "npm:fast-check@4.11.0";
import { assert, assertEquals } from "@std/assert";
import { ChatFailure, explainFailure } from "../../src/server/page/failure.js";
import { SseParser } from "../../src/server/page/sse.js";
import { streamChat } from "../../src/server/page/stream_chat.js";
import { mutatedBytes } from "./_mutated_bytes.ts";
import { mutatedJson } from "./_mutated_json.ts";
import type { Target } from "./_target.ts";

const CHUNK = {
  choices: [{ index: 0, delta: { content: "Once" }, "finish_reason": null }],
  usage: {
    ...{ "prompt_tokens": 5, "completion_tokens": 2 },
    "prompt_tokens_details": { "cached_tokens": 1 },
  },
  timings: { "predicted_per_second": 5.5 },
};

const WHOLE = [
  ": queued\r\n\r\n",
  `data: ${JSON.stringify(CHUNK)}\n\n`,
  "event: message\nid: 7\nretry: 3\ndata: {}\n\n",
  'data: {"error":{"message":"no","code":"x"}}\n\n',
  "data: [DONE]\n\n",
].join("");

const encode = (text: string) => new TextEncoder().encode(text);

/** What a server sends, cut into pieces. */
interface Input {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly cuts: readonly number[];
  readonly status: number;
}

/** `streamChat()` and its `SseParser` */
export const EVENT_STREAM: Target<Input> = {
  name: "event stream",
  cases: 500,
  inputs: fc.record({
    bytes: fc.oneof(
      mutatedBytes([
        encode(WHOLE),
        encode(WHOLE.replace(/data: {"error.*\n\n/, "")),
      ]),
      fc.array(mutatedJson([CHUNK]), { maxLength: 3 }).map((chunks) =>
        encode(
          chunks.map((chunk) => `data: ${chunk}\n\n`).join("") +
            "data: [DONE]\n\n",
        )
      ),
    ),
    cuts: fc.array(fc.nat(1e6), { maxLength: 4 }),
    status: fc.constantFrom(200, 200, 200, 400, 401, 429, 503),
  }),
  async feed({ bytes, cuts, status }) {
    const pieces = cut(bytes, cuts);
    checkCuts(pieces);
    const stream = ReadableStream.from(pieces);
    const fetch = () => Promise.resolve(new Response(stream, { status }));
    const { signal } = new AbortController();
    let ended = false;
    try {
      for await (const event of streamChat({}, { signal, fetch })) {
        assert(!ended, "something comes after the end");
        if (event.kind === "text") {
          assertEquals(typeof event.text, "string", "text");
        }
        if (event.kind === "end") ended = true;
      }
    } catch (error) {
      assert(error instanceof ChatFailure, `not a failure: ${error}`);
      const { text } = explainFailure(error.kind, error.said);
      assert(typeof text === "string" && text !== "", "nothing is told");
      return "refused";
    }
    assert(ended, "no end and no failure");
    return "accepted";
  },
};

/** However a stream is cut, its events are the same. */
function checkCuts(pieces: readonly Uint8Array[]): void {
  const decoder = new TextDecoder();
  const texts = pieces.map((piece) => decoder.decode(piece, { stream: true }));
  const byPieces = new SseParser();
  const items = texts.flatMap((text) => byPieces.push(text));
  assertEquals(new SseParser().push(texts.join("")), items, "cuts matter");
}

function cut(
  bytes: Uint8Array<ArrayBuffer>,
  cuts: readonly number[],
): Uint8Array<ArrayBuffer>[] {
  const places = cuts.map((place) => place % (bytes.length + 1))
    .sort((a, b) => a - b);
  return [...places, bytes.length].map((end, i) =>
    bytes.slice(places[i - 1] ?? 0, end)
  );
}
