import { assertEquals, assertThrows } from "@std/assert";
import type { RoutingRecord } from "../model/routing_reader.ts";
import { guessAt, NO_EXPERT, parseTrace } from "../offload/routing_trace.ts";
import { TraceRecorder } from "./trace_recorder.ts";

const MODEL = {
  numHiddenLayers: 2,
  numLocalExperts: 4,
  numExpertsPerTok: 2,
};

function routing(ids: number[], guess: number[] = []): RoutingRecord {
  return {
    ids: Uint32Array.from(ids),
    weights: Float32Array.from(ids, (_, i) => i % 2 === 0 ? 0.75 : 0.25),
    guess: Uint32Array.from(guess),
  };
}

Deno.test("TraceRecorder puts steps and guesses together", () => {
  const recorder = new TraceRecorder("tiny", MODEL);
  assertEquals(recorder.tokenCount, 0);
  recorder.record(0, routing([0, 1, 2, 3, 1, 0]));
  assertEquals(recorder.tokenCount, 0);
  recorder.record(1, routing([3, 2, 1, 0, 0, 1]));
  assertEquals(recorder.tokenCount, 3);
  recorder.record(0, routing([2, 3], [1, 0, 3, 2]));
  assertEquals(recorder.tokenCount, 3);
  recorder.record(1, routing([1, 3]));
  assertEquals(recorder.tokenCount, 4);
  const trace = parseTrace(recorder.bytes());
  assertEquals([trace.model, trace.guessCount], ["tiny", 3]);
  assertEquals([...trace.kinds], [2, 1, 1, 0]);
  // deno-fmt-ignore
  assertEquals([...trace.experts], [
    0, 1, 3, 2,
    2, 3, 1, 0,
    1, 0, 0, 1,
    2, 3, 1, 3,
  ]);
  assertEquals([...trace.guesses.subarray(0, 21)], Array(21).fill(NO_EXPERT));
  // The guess that layer 0 made is about layer 1.
  assertEquals([...trace.guesses.subarray(21)], [1, 0, 3]);
  assertEquals(Math.round(trace.weights[7]! * 100), 25);
});

Deno.test("TraceRecorder puts farther guesses to the layers they are about", () => {
  const model = { ...MODEL, numHiddenLayers: 4 };
  const recorder = new TraceRecorder("tiny", model, [2, 3]);
  const guesses = (...far: number[][]) =>
    far.map((ids) => Uint32Array.from(ids));
  const none = Uint32Array.of();
  recorder.record(0, {
    ...routing([0, 1], [1]),
    farGuesses: guesses([2, 3, 1, 0], [3]),
  });
  recorder.record(1, {
    ...routing([0, 1]),
    farGuesses: [Uint32Array.of(0), none],
  });
  recorder.record(2, { ...routing([0, 1]), farGuesses: [none, none] });
  recorder.record(3, routing([0, 1]));
  // A prompt guesses nothing, and nothing is left of the token before.
  for (let layer = 0; layer < 4; layer++) {
    recorder.record(layer, routing([0, 1, 2, 3]));
  }
  const trace = parseTrace(recorder.bytes());
  assertEquals(trace.farDepths, [2, 3]);
  const at = (token: number, layer: number, depth: number) =>
    guessAt(trace, { token, layer, depth });
  assertEquals([at(0, 1, 1), at(0, 2, 2), at(0, 3, 3)], [[1], [2, 3, 1], [3]]);
  assertEquals([at(0, 3, 2), at(0, 2, 3)], [[0], []]);
  assertEquals([at(1, 2, 2), at(2, 3, 3)], [[], []]);
});

Deno.test("TraceRecorder.bytes() gives all tokens each time", () => {
  const recorder = new TraceRecorder("tiny", MODEL);
  for (let tokens = 1; tokens <= 3; tokens++) {
    recorder.record(0, routing([0, 1]));
    recorder.record(1, routing([2, 3]));
    const bytes = recorder.bytes();
    assertEquals(parseTrace(bytes).tokenCount, tokens);
    assertEquals(recorder.bytes(), bytes);
  }
});

Deno.test("TraceRecorder forgets a step that failed", () => {
  const recorder = new TraceRecorder("tiny", MODEL);
  recorder.record(0, routing([0, 1]));
  recorder.record(1, routing([2, 3]));
  recorder.record(0, routing([1, 2, 1, 2]));
  assertEquals(parseTrace(recorder.bytes()).tokenCount, 1);
  recorder.record(0, routing([3, 2]));
  recorder.record(1, routing([3, 1]));
  assertEquals(recorder.tokenCount, 2);
  assertEquals([...parseTrace(recorder.bytes()).experts], [
    ...[0, 1, 2, 3],
    ...[3, 2, 3, 1],
  ]);
});

Deno.test("TraceRecorder takes one guess at most for one expert", () => {
  const recorder = new TraceRecorder("dense", {
    numHiddenLayers: 2,
    numLocalExperts: 1,
    numExpertsPerTok: 1,
  });
  recorder.record(0, routing([0], [0]));
  recorder.record(1, routing([0]));
  const { guesses } = parseTrace(recorder.bytes());
  assertEquals([...guesses], [NO_EXPERT, 0]);
});

Deno.test("TraceRecorder refuses layers out of order", () => {
  const recorder = new TraceRecorder("tiny", MODEL);
  assertThrows(() => recorder.record(1, routing([0, 1])), RangeError);
  recorder.record(0, routing([0, 1]));
  recorder.record(1, routing([0, 1]));
  assertThrows(
    () => recorder.record(1, routing([0, 1])),
    RangeError,
    "Cannot record the routing of layer 1: wanted layer 0",
  );
});
