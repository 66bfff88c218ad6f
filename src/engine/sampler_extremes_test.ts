/** `Sampler` at the ends of what options and logits may be. */

import { assert, assertEquals } from "@std/assert";
import { count } from "../../tests/_counts.ts";
import { Random } from "../../tests/_random.ts";
import { resolveOptions } from "./options.ts";
import { Sampler } from "./sampler.ts";
import { ShapedLogits } from "./shaped_logits.ts";

const SEED = 17;
const SIZE = 300; // more than top-p looks at first
const MOST = 3.4028234663852886e38;

const random = new Random(SEED);
const NORMAL = random.normal(SIZE);
const filled = (value: number) => new Float32Array(SIZE).fill(value);

const ROWS: Readonly<Record<string, Float32Array>> = {
  "plain": NORMAL,
  "all equal": filled(3),
  "all zero": filled(0),
  "all the most": filled(MOST),
  "all the least": filled(-MOST),
  "huge": NORMAL.map((v) => v * 1e30),
  "the most and the least": NORMAL.map((v) => v > 0 ? MOST : -MOST),
  "tiny": NORMAL.map((v) => v * 1e-45),
  "one possible": filled(-Infinity).with(123, -1e30),
  "two possible": filled(-Infinity).with(7, -MOST).with(299, MOST),
};

const TEMPERATURES = [0, 5e-324, 1e-6, 1, 1e6, 1.7e308];
const FILTERS = [
  {},
  { topP: 0 },
  { topP: 1 },
  { topP: 1 - 2 ** -53 },
  { minP: 1 },
  { minP: 5e-324 },
  { topK: 1 },
  { topK: SIZE },
  { topK: 2, topP: 0, minP: 1 },
];
const PENALTIES = [
  {},
  { repetitionPenalty: 0.001 },
  { repetitionPenalty: 1000 },
  { presencePenalty: 1000, frequencyPenalty: 1000 },
  { presencePenalty: -1000, frequencyPenalty: -1000 },
  { repetitionPenalty: 0.001, presencePenalty: 1000 },
];
const CONTEXT = [7, 7, 123, 0, 299];

Deno.test("Sampler picks what is possible, whatever the options and logits", () => {
  let caseCount = 0;
  for (const [what, logits] of Object.entries(ROWS)) {
    for (const temperature of TEMPERATURES) {
      for (const filter of FILTERS) {
        for (const penalty of PENALTIES) {
          const options = { topK: 0, temperature, ...filter, ...penalty };
          const sampler = new Sampler(resolveOptions(options, {}));
          for (const number of [0, 1 - 2 ** -53]) {
            const id = sampler.sample(logits, CONTEXT, () => number);
            const message = `seed ${SEED}, ${what}, ${
              JSON.stringify(options)
            }: ${id}`;
            assert(logits[id]! > -Infinity, message);
            caseCount++;
          }
        }
      }
    }
  }
  count("numbers", "cases tried", caseCount);
});

Deno.test("Sampler with the lowest temperatures picks the most probable token", () => {
  const best = NORMAL.indexOf(NORMAL.reduce((a, b) => Math.max(a, b)));
  for (const temperature of [0, 5e-324, 1e-6]) {
    const sampler = new Sampler(resolveOptions({ temperature, topK: 0 }, {}));
    for (const number of [0, 0.5, 1 - 2 ** -53]) {
      assertEquals(sampler.sample(NORMAL, [], () => number), best);
    }
  }
});

Deno.test("Sampler with the highest temperature picks each token alike", () => {
  const options = { temperature: 1e6, topK: 0, topP: 1, minP: 0 };
  const sampler = new Sampler(resolveOptions(options, {}));
  const { ids, weights } = sampler.candidates(NORMAL, []);
  assertEquals(ids.length, SIZE);
  assert(weights.every((weight) => weight > 0.99999 && weight <= 1));
});

Deno.test("Sampler with top-p 0 keeps one token, with min-p 1 all that are as probable", () => {
  const row = filled(0).with(5, 2).with(9, 2);
  const kept = (options: object) => {
    const all = { topK: 0, topP: 1, minP: 0, ...options };
    const { ids } = new Sampler(resolveOptions(all, {})).candidates(row, []);
    return [...ids].sort((a, b) => a - b);
  };
  assertEquals(kept({ topP: 0 }), [5]);
  assertEquals(kept({ minP: 1 }), [5, 9]);
  assertEquals(kept({ topP: 1, minP: 0 }).length, SIZE);
});

Deno.test("ShapedLogits keep the largest biases finite", () => {
  const logits = new Float32Array([MOST, 1, -MOST]);
  const shaped = new ShapedLogits({
    logitBias: new Map([[0, 1e308], [1, 1e39], [2, -1e308]]),
    constraint: null,
    eosIds: [],
  }).shape(logits);
  const sampler = new Sampler(resolveOptions({ temperature: 0 }, {}));
  assertEquals(sampler.sample(shaped, [], () => 0), 0);
  assertEquals([...shaped], [MOST, MOST, -MOST]);
});
