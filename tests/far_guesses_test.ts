/** Guesses of routers about layers farther than the next. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  guessAt,
  type LoadOptions,
  parseTrace,
  prefetchRecall,
  type RoutingTrace,
  TraceRecorder,
} from "../mod.ts";
import { finish, withEngine } from "./_engine.ts";
import { referenceRouting } from "./_reference_routing.ts";
import { readReferenceWeights } from "./_reference_weights.ts";

const MODEL = "models/stories-17m";
const DEPTHS = [2, 3, 5];
const ANSWER_LENGTH = 12;
const PROMPT = "Once upon a time there was a little dog. He liked";

async function traced(
  options: LoadOptions,
): Promise<{ ids: number[]; trace: RoutingTrace }> {
  let recorder: TraceRecorder | undefined;
  const { guessAhead } = options;
  const all: LoadOptions = {
    ...options,
    onRouting: (layer, routing) => recorder?.record(layer, routing),
  };
  return await withEngine(MODEL, all, async (engine) => {
    recorder = new TraceRecorder(engine.name, engine.config, guessAhead ?? []);
    const { ids } = await finish(engine.generate(PROMPT, {
      maxTokens: ANSWER_LENGTH,
      temperature: 0,
    }));
    const prompt = engine.tokenizer.encode(PROMPT);
    return { ids: [...prompt, ...ids], trace: parseTrace(recorder.bytes()) };
  });
}

Deno.test("routers guess several layers ahead, wherever experts are, and change no text", async () => {
  const { ids, trace } = await traced({ guessAhead: DEPTHS });
  assertEquals(trace.farDepths, DEPTHS);
  const found = prefetchRecall(trace).map(({ depth }) => depth);
  assertEquals(found, [1, ...DEPTHS]);
  await assertReferenceGuesses(ids, trace);
  const offloaded = await traced({ slots: 3, guessAhead: DEPTHS });
  assertEquals(offloaded, { ids, trace });
  const plain = await traced({});
  const { farDepths: _, farGuesses: __, ...rest } = trace;
  assertEquals(plain, { ids, trace: rest });
});

/** Fails unless the plain loops guess the same. */
async function assertReferenceGuesses(
  ids: readonly number[],
  trace: RoutingTrace,
): Promise<void> {
  const weights = await readReferenceWeights(MODEL);
  const options = { depths: [1, ...DEPTHS], guessCount: trace.guessCount };
  const routings = [...referenceRouting(weights, ids, options)];
  let count = 0;
  let different = 0;
  for (let token = 0; token < trace.tokenCount; token++) {
    const isDecoded = trace.kinds[token] === 0;
    for (let layer = 0; layer < trace.layerCount; layer++) {
      for (const depth of [1, ...DEPTHS]) {
        const guess = guessAt(trace, { token, layer, depth });
        const before = routings[token]![layer - depth];
        assertEquals(guess.length > 0, isDecoded && before !== undefined);
        if (guess.length === 0) continue;
        count++;
        if (`${guess}` !== `${before!.guesses.get(depth)}`) different++;
      }
    }
  }
  assertEquals(count, (ANSWER_LENGTH - 1) * (5 + 4 + 3 + 1));
  // Float32 may turn logits around that are all but equal.
  assert(different <= count / 50, `${different} of ${count} differ`);
}

Deno.test("load() refuses guesses about layers that there are not", async () => {
  const cases: [LoadOptions, string][] = [
    [{ guessAhead: [2, 6] }, "guess 2, 6 layers ahead, wanted numbers from 2 "],
    [{ guessAhead: [1] }, "guess 1 layers ahead, wanted numbers from 2 to 5,"],
    [{ guessAhead: [3, 2] }, "guess 3, 2 layers ahead"],
    [{ guessAhead: [2], residency: "gpu" }, "which takes residency cpu"],
  ];
  for (const [options, message] of cases) {
    await assertRejects(() => traced(options), RangeError, message);
  }
});
