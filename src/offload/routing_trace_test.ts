import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Random, withRandom } from "../../tests/_random.ts";
import {
  expertsAt,
  NO_EXPERT,
  parseTrace,
  type RoutingTrace,
} from "./routing_trace.ts";
import { syntheticTrace } from "./synthetic_trace.ts";
import { type TraceHeader, traceLayout } from "./trace_header.ts";
import { TraceWriter } from "./trace_writer.ts";

const HEADER: TraceHeader = {
  model: "tiny",
  layerCount: 2,
  expertCount: 4,
  topK: 2,
  guessCount: 1,
};

/** Magic, length and JSON of HEADER. */
const HEADER_BYTE_LENGTH = 12 + JSON.stringify(HEADER).length;

/** Two tokens, written out. */
function tinyTrace(): Uint8Array<ArrayBuffer> {
  const writer = new TraceWriter(HEADER);
  for (const kind of ["prefill", "decode"] as const) {
    const token = writer.addTokens(1, kind);
    writer.record({ token, layer: 0, experts: [3, 1], weights: [0.75, 0.25] });
    const rest = { experts: [0, 2], weights: [1, 0], guess: [2] };
    writer.record({ token, layer: 1, ...rest });
  }
  return writer.take();
}

/** Writes a whole trace. */
function bytesOf(trace: RoutingTrace): Uint8Array {
  const writer = new TraceWriter(trace);
  const { layerCount, topK, guessCount } = trace;
  for (let token = 0; token < trace.tokenCount; token++) {
    writer.addTokens(1, trace.kinds[token] === 0 ? "decode" : "prefill");
    for (let layer = 0; layer < layerCount; layer++) {
      const place = token * layerCount + layer;
      writer.record({
        token,
        layer,
        experts: expertsAt(trace, { token, layer }),
        weights: trace.weights.subarray(place * topK, (place + 1) * topK),
        guess: trace.guesses
          .subarray(place * guessCount, (place + 1) * guessCount)
          .filter((id) => id !== NO_EXPERT),
      });
    }
  }
  return writer.take();
}

/** A trace of a random shape. */
function someTrace(random: Random): RoutingTrace {
  const expertCount = 2 + random.integer(random.next() < 0.3 ? 600 : 20);
  const trace = syntheticTrace({
    seed: random.integer(2 ** 31),
    tokenCount: random.integer(12),
    layerCount: 1 + random.integer(4),
    expertCount,
    topK: 1 + random.integer(Math.min(expertCount, 6)),
    guessCount: random.integer(3),
  });
  trace.kinds.set(random.integers(trace.tokenCount, 2));
  return trace;
}

Deno.test("parseTrace() reads what TraceWriter writes", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    await withRandom(seed, (random) => {
      const trace = someTrace(random);
      const { weights, ...read } = parseTrace(bytesOf(trace));
      const { weights: written, ...rest } = trace;
      assertEquals(read, rest);
      for (const [i, weight] of weights.entries()) {
        assert(Math.abs(weight - written[i]!) <= 0.5 / 0xffff + 1e-7);
      }
    });
  }
});

Deno.test("a routing trace has the documented bytes", () => {
  const bytes = tinyTrace();
  const header = new TextDecoder().decode(bytes.subarray(0, 8));
  assertEquals(header, "moenort1");
  assertEquals(Array.from(bytes.subarray(HEADER_BYTE_LENGTH)), [
    ...[1, 3, 1, 0xff, 0xff, 0xbf, 0x00, 0x40, 0, 2, 2, 0xff, 0xff, 0, 0],
    ...[0, 3, 1, 0xff, 0xff, 0xbf, 0x00, 0x40, 0, 2, 2, 0xff, 0xff, 0, 0],
  ]);
  const mixtral = { layerCount: 32, expertCount: 8, topK: 2, guessCount: 3 };
  assertEquals(traceLayout({ model: "", ...mixtral }).tokenByteLength, 289);
  const large = { ...HEADER, expertCount: 256 };
  assertEquals(traceLayout(large).layerByteLength, 10);
});

Deno.test("parseTrace() reads bytes anywhere in a buffer", () => {
  const bytes = tinyTrace();
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const trace = parseTrace(shifted.subarray(3));
  assertEquals(trace.tokenCount, 2);
  assertEquals(Array.from(trace.kinds), [1, 0]);
  assertEquals(expertsAt(trace, { token: 1, layer: 1 }), [0, 2]);
  assertEquals(Array.from(trace.guesses), [NO_EXPERT, 2, NO_EXPERT, 2]);
});

Deno.test("parseTrace() says what is wrong", () => {
  const good = tinyTrace();
  const at = HEADER_BYTE_LENGTH;
  const changed = (offset: number, byte: number) => {
    const bytes = good.slice();
    bytes[offset] = byte;
    return bytes;
  };
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(11), "it has 11 bytes, wanted at least 12"],
    [changed(0, 0x4d), 'it does not begin with "moenort1"'],
    [
      changed(9, 1),
      `its header has ${at - 12 + 256} bytes, wanted at most ${at + 18}`,
    ],
    [changed(12, 0x5b), "its header is no trace's: "],
    [changed(14, 0xff), "its header is no trace's: "],
    [changed(at, 3), "token 0 is of kind 3, wanted 0, 1 or 2"],
    [changed(at + 1, 4), "token 0, layer 0 names expert 4 of 4"],
    [changed(at + 17, 3), "token 1, layer 0 names expert 3 twice"],
    [changed(at + 10, 9), "token 0, layer 1 guesses expert 9 of 4"],
    [
      good.subarray(0, good.length - 1),
      "14 bytes are left after 1 tokens, wanted 15 for the next",
    ],
  ];
  for (const [bytes, state] of cases) {
    assertThrows(
      () => parseTrace(bytes),
      SyntaxError,
      `Cannot read a routing trace: ${state}`,
    );
  }
});

Deno.test("parseTrace() refuses the header of no model", () => {
  const changes: Record<string, unknown>[] = [
    { layerCount: 0 },
    { expertCount: 70000 },
    { topK: 5 },
    { topK: "2" },
    { guessCount: -1 },
    { model: undefined },
    { model: "m".repeat(1025) },
  ];
  for (const change of changes) {
    const json = JSON.stringify({ ...HEADER, ...change });
    const bytes = new TextEncoder().encode(`moenort1....${json}`);
    new DataView(bytes.buffer).setUint32(8, json.length, true);
    assertThrows(
      () => parseTrace(bytes),
      SyntaxError,
      "Cannot read a routing trace: its header is no trace's: Cannot use a trace header",
    );
  }
});

Deno.test("parseTrace() takes any bytes or refuses them in one sentence", async () => {
  for (let seed = 1; seed <= 400; seed++) {
    await withRandom(seed, (random) => {
      const bytes = bytesOf(someTrace(random));
      const cut = bytes.slice(0, random.integer(bytes.length + 1));
      for (let i = random.integer(4); i > 0 && cut.length > 0; i--) {
        cut[random.integer(cut.length)] = random.integer(256);
      }
      try {
        parseTrace(cut);
      } catch (error) {
        assert(error instanceof SyntaxError, String(error));
        assert(error.message.startsWith("Cannot read a routing trace: "));
      }
    });
  }
});

Deno.test("parseTrace() refuses every truncation but those between tokens", () => {
  const bytes = tinyTrace();
  for (let length = 0; length < bytes.length; length++) {
    const tokens = (length - HEADER_BYTE_LENGTH) / 15;
    const cut = bytes.subarray(0, length);
    if (tokens >= 0 && Number.isInteger(tokens)) {
      assertEquals(parseTrace(cut).tokenCount, tokens);
    } else assertThrows(() => parseTrace(cut), SyntaxError);
  }
});
