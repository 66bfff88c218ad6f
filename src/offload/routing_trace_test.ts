import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Random, withRandom } from "../../tests/_random.ts";
import {
  expertsAt,
  guessAt,
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
  const { layerCount, topK, farDepths = [] } = trace;
  for (let token = 0; token < trace.tokenCount; token++) {
    writer.addTokens(1, trace.kinds[token] === 0 ? "decode" : "prefill");
    for (let layer = 0; layer < layerCount; layer++) {
      const place = token * layerCount + layer;
      writer.record({
        token,
        layer,
        experts: expertsAt(trace, { token, layer }),
        weights: trace.weights.subarray(place * topK, (place + 1) * topK),
        guess: guessAt(trace, { token, layer, depth: 1 }),
        farGuesses: farDepths
          .map((depth) => guessAt(trace, { token, layer, depth })),
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
  const farDepths = [2, 3].filter((depth) =>
    depth < trace.layerCount && random.next() < 0.5
  );
  if (farDepths.length === 0) return trace;
  const guesses = farDepths.flatMap(() => [...trace.guesses]);
  return { ...trace, farDepths, farGuesses: Uint16Array.from(guesses) };
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
  const far = { model: "", ...mixtral, farDepths: [2, 10] };
  assertEquals(traceLayout(far).tokenByteLength, 289 + 32 * 6);
  const large = { ...HEADER, expertCount: 256 };
  assertEquals(traceLayout(large).layerByteLength, 10);
});

Deno.test("a trace with farther guesses has a mark of its own", () => {
  const header = { ...HEADER, layerCount: 4, farDepths: [2, 3] };
  const writer = new TraceWriter(header);
  const token = writer.addTokens(1, "decode");
  for (let layer = 0; layer < 4; layer++) {
    const routing = { experts: [3, 1], weights: [0.75, 0.25] };
    const farGuesses = [[], [], [[1]], [[2], [0]]][layer]!;
    writer.record({ token, layer, ...routing, guess: [3], farGuesses });
  }
  const bytes = writer.take();
  assertEquals(new TextDecoder().decode(bytes.subarray(0, 8)), "moenort2");
  assertEquals([...bytes.subarray(-9)], [3, 1, 3, 2, 0, 0xff, 0xbf, 0, 0x40]);
  const trace = parseTrace(bytes);
  assertEquals(trace.farDepths, [2, 3]);
  const at = (layer: number, depth: number) =>
    guessAt(trace, { token, layer, depth });
  assertEquals([at(3, 1), at(3, 2), at(3, 3)], [[3], [2], [0]]);
  assertEquals([at(2, 2), at(2, 3), at(3, 4)], [[1], [], []]);
  // Whoever knows only the first kind of trace must not take it for one.
  bytes[7] = 0x31;
  assertThrows(() => parseTrace(bytes), SyntaxError);
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
    { expertCount: 60000, layerCount: 60000 }, // gigabytes to analyze
    { expertCount: 4096, layerCount: 1024 },
    { expertCount: 4096, topK: 4096 },
    { topK: 5 },
    { topK: "2" },
    { guessCount: -1 },
    { model: undefined },
    { model: "m".repeat(1025) },
  ];
  const far = [[1], [2], [3, 2], [2.5], 2, ["2"], null];
  changes.push(...far.map((farDepths) => ({ layerCount: 2, farDepths })));
  for (const change of changes) {
    const json = JSON.stringify({ ...HEADER, ...change });
    const bytes = new TextEncoder().encode(`moenort2....${json}`);
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
