import { assertEquals, assertThrows } from "@std/assert";
import { expertsAt, parseTrace } from "./routing_trace.ts";
import { type TraceRecord, TraceWriter } from "./trace_writer.ts";

const HEADER = {
  model: "tiny",
  layerCount: 2,
  expertCount: 4,
  topK: 2,
  guessCount: 1,
};
const ROUTING = { experts: [3, 1], weights: [0.5, 0.5] };

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => Array.from(part)));
}

Deno.test("TraceWriter takes complete tokens only, bit by bit", () => {
  const writer = new TraceWriter(HEADER);
  const parts = [writer.take()];
  // A chunk of a prompt: layer by layer.
  const first = writer.addTokens(3, "prefill");
  for (const token of [0, 1, 2]) {
    writer.record({ token: first + token, layer: 0, ...ROUTING });
  }
  assertEquals(writer.take().length, 0);
  writer.record({ token: 0, layer: 1, ...ROUTING });
  writer.record({ token: 2, layer: 1, ...ROUTING });
  parts.push(writer.take());
  assertEquals(parts[1]!.length, 15);
  writer.record({ token: 1, layer: 1, experts: [0, 2], weights: [1, 0] });
  assertEquals(writer.addTokens(1, "decode"), 3);
  writer.record({ token: 3, layer: 0, ...ROUTING });
  parts.push(writer.take());
  writer.record({ token: 3, layer: 1, ...ROUTING, guess: [0] });
  parts.push(writer.take(), writer.take());
  const trace = parseTrace(joined(parts));
  assertEquals(trace.tokenCount, 4);
  assertEquals(writer.tokenCount, 4);
  assertEquals(Array.from(trace.kinds), [1, 1, 1, 0]);
  assertEquals(expertsAt(trace, { token: 1, layer: 1 }), [0, 2]);
  assertEquals(trace.guesses.at(-1), 0);
});

Deno.test("TraceWriter.dropIncomplete() forgets what was cut short", () => {
  const writer = new TraceWriter(HEADER);
  const parts = [];
  writer.addTokens(2, "decode");
  writer.record({ token: 0, layer: 0, ...ROUTING });
  writer.record({ token: 0, layer: 1, ...ROUTING });
  writer.record({ token: 1, layer: 0, ...ROUTING });
  writer.dropIncomplete();
  assertEquals(writer.addTokens(1, "prefill"), 1);
  parts.push(writer.take());
  writer.record({ token: 1, layer: 0, ...ROUTING });
  writer.record({ token: 1, layer: 1, ...ROUTING });
  parts.push(writer.take());
  assertEquals(Array.from(parseTrace(joined(parts)).kinds), [0, 1]);
});

Deno.test("TraceWriter clamps weights", () => {
  const writer = new TraceWriter({ ...HEADER, layerCount: 1 });
  writer.addTokens(1, "decode");
  writer.record({ token: 0, layer: 0, experts: [0, 1], weights: [2, -1] });
  assertEquals(Array.from(parseTrace(writer.take()).weights), [1, 0]);
});

Deno.test("TraceWriter refuses what no trace can hold", () => {
  const writer = new TraceWriter(HEADER);
  writer.addTokens(1, "decode");
  const wrong: Partial<TraceRecord>[] = [
    { token: 1 },
    { token: -1 },
    { token: 0.5 },
    { layer: 2 },
    { layer: -1 },
    { experts: [0] },
    { experts: [0, 4] },
    { experts: [1, 1] },
    { experts: [0, NaN] },
    { weights: [1] },
    { guess: [0, 1] },
    { guess: [4] },
  ];
  for (const change of wrong) {
    const record = { token: 0, layer: 0, ...ROUTING, ...change };
    assertThrows(
      () => writer.record(record),
      RangeError,
      `Cannot record the routing of token ${record.token}, layer ${record.layer}: `,
    );
  }
  assertThrows(
    () => new TraceWriter({ ...HEADER, topK: 5 }),
    RangeError,
    "Cannot use a trace header",
  );
});
