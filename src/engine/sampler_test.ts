import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { seededRandom } from "./random.ts";
import { Sampler, type SamplerOptions } from "./sampler.ts";

/** Does nothing to the distribution. */
const NEUTRAL: SamplerOptions = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  penaltyWindow: 64,
};

function probabilities(
  options: Partial<SamplerOptions>,
  logits: Float32Array,
  context: readonly number[] = [],
): Map<number, number> {
  const sampler = new Sampler({ ...NEUTRAL, ...options });
  const { ids, weights } = sampler.candidates(logits, context);
  const sum = weights.reduce((a, b) => a + b, 0);
  return new Map(Array.from(ids, (id, i) => [id, weights[i]! / sum]));
}

function logitsOf(probs: readonly number[]): Float32Array {
  return new Float32Array(probs.map(Math.log));
}

interface Case {
  sampler: string;
  probs: number[];
  expected: number[];
  temp?: number;
  k?: number;
  p?: number;
  delta?: number;
}

function optionsOf(test: Case): Partial<SamplerOptions> | undefined {
  if (test.sampler === "temp") return { temperature: test.temp! };
  // Dynamic temperature without a range is plain temperature.
  if (test.sampler === "temp_ext" && test.delta === 0) {
    return { temperature: test.temp! };
  }
  if (test.sampler === "top_k") return { topK: test.k! };
  if (test.sampler === "top_p") return { topP: test.p! };
  if (test.sampler === "min_p") return { minP: test.p! };
  return undefined;
}

Deno.test("Sampler agrees with the probabilities of llama.cpp's cases", async (t) => {
  const file = new URL(
    "../../tests/testdata/sampling/cases.json",
    import.meta.url,
  );
  const cases: Case[] = JSON.parse(await Deno.readTextFile(file));
  const skipped = new Map<string, number>();
  let tested = 0;
  for (const [number, test] of cases.entries()) {
    const options = optionsOf(test);
    if (options === undefined) {
      skipped.set(test.sampler, (skipped.get(test.sampler) ?? 0) + 1);
      continue;
    }
    tested++;
    await t.step(`case ${number}: ${JSON.stringify(options)}`, () => {
      const found = probabilities(options, logitsOf(test.probs));
      // The file leaves the order open and writes zeros or leaves them out.
      const actual = [...found.values()].filter((p) => p > 0).sort();
      const expected = test.expected.filter((p) => p > 0).sort();
      assertEquals(actual.length, expected.length);
      for (const [i, p] of expected.entries()) {
        assertAlmostEquals(actual[i]!, p, 1e-5); // five digits in the file
      }
    });
  }
  // Samplers that Moeno does not have.
  assertEquals(Object.fromEntries(skipped), {
    xtc: 2,
    typical: 1,
    dry: 4,
    top_n_sigma: 1,
  });
  assertEquals(tested, 12);
});

Deno.test("Sampler picks the lowest of equal ids at temperature 0", () => {
  const sampler = new Sampler({ ...NEUTRAL, temperature: 0 });
  const never = () => {
    throw new Error("No random number is needed");
  };
  const logits = new Float32Array([1, 3, 3, 2]);
  assertEquals(sampler.sample(logits, [], never), 1);
  assertEquals([...sampler.candidates(logits, []).ids], [1]);
});

Deno.test("Sampler picks each token as often as its probability says", () => {
  const probs = [0.1, 0.2, 0.3, 0.4];
  const variants = [{}, { topK: 4 }, { topK: 3 }, { topP: 0.95 }, {
    minP: 0.2,
  }];
  for (const options of variants) {
    const sampler = new Sampler({ ...NEUTRAL, ...options });
    const expected = probabilities(options, logitsOf(probs));
    const random = seededRandom(5);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) {
      counts[sampler.sample(logitsOf(probs), [], random)]!++;
    }
    for (const [id, count] of counts.entries()) {
      // The standard deviation is at most 0.0035.
      assertAlmostEquals(count / 20_000, expected.get(id) ?? 0, 0.015);
    }
  }
});

Deno.test("Sampler applies top-p and min-p before temperature", () => {
  // At temperature 100 all would be about equal and none cut.
  const options = { temperature: 100, topP: 0.7, minP: 0.5 };
  const found = probabilities(options, logitsOf([0.1, 0.2, 0.3, 0.4]));
  assertEquals([...found.keys()].sort(), [2, 3]);
  assertAlmostEquals(found.get(2)!, 0.5, 0.01);
});

Deno.test("Sampler applies top-p to what top-k left", () => {
  // Of 0.4 and 0.3, the first is 0.57 of the sum.
  const options = { topK: 2, topP: 0.5 };
  const found = probabilities(options, logitsOf([0.1, 0.2, 0.3, 0.4]));
  assertEquals([...found.keys()], [3]);
});

Deno.test("Sampler finds a wide nucleus", () => {
  const logits = new Float32Array(5000); // all equal
  assertEquals(probabilities({ topP: 0.5 }, logits).size, 2500);
  assertEquals(probabilities({ topP: 0.01 }, logits).size, 50);
  assertEquals(probabilities({ topP: 0.9999 }, logits).size, 5000);
});

Deno.test("Sampler penalizes as the formulas say", () => {
  const logits = new Float32Array([2, -2, 1, 0]);
  const context = [0, 1, 0];
  function scores(options: Partial<SamplerOptions>): number[] {
    const found = probabilities(options, logits, context);
    // Relative to id 3, which is in no context, so its logit stays 0.
    return [0, 1, 2].map((id) => Math.log(found.get(id)! / found.get(3)!));
  }
  const expected: [Partial<SamplerOptions>, number[]][] = [
    [{ repetitionPenalty: 2 }, [1, -4, 1]],
    [{ presencePenalty: 0.5 }, [1.5, -2.5, 1]],
    [{ frequencyPenalty: 0.5 }, [1, -2.5, 1]],
    [{ frequencyPenalty: 0.5, penaltyWindow: 2 }, [1.5, -2.5, 1]],
    [{ frequencyPenalty: 0.5, penaltyWindow: 0 }, [2, -2, 1]],
    [{ frequencyPenalty: 0.5, penaltyWindow: -1 }, [1, -2.5, 1]],
    [{ frequencyPenalty: 0.5, penaltyWindow: 1 }, [1.5, -2, 1]],
  ];
  for (const [options, wanted] of expected) {
    for (const [id, score] of scores(options).entries()) {
      assertAlmostEquals(score, wanted[id]!, 1e-6, JSON.stringify(options));
    }
  }
});

Deno.test("Sampler penalizes at temperature 0, too, and leaves the logits", () => {
  const sampler = new Sampler({
    ...NEUTRAL,
    temperature: 0,
    repetitionPenalty: 2,
  });
  const logits = new Float32Array([2, 1.5]);
  assertEquals(sampler.sample(logits, [0], Math.random), 1);
  assertEquals([...logits], [2, 1.5]);
});

Deno.test("Sampler never picks what is impossible", () => {
  const logits = new Float32Array([-Infinity, 0, -Infinity, -1000]);
  const sampler = new Sampler(NEUTRAL);
  for (const number of [0, 0.5, 1 - 2 ** -32]) {
    assertEquals(sampler.sample(logits, [], () => number), 1);
  }
});

Deno.test("Sampler refuses logits that are no numbers", () => {
  for (const bad of [NaN, Infinity]) {
    for (const temperature of [0, 1]) {
      const sampler = new Sampler({ ...NEUTRAL, temperature });
      const logits = new Float32Array([1, bad, 2]);
      assertThrows(
        () => sampler.sample(logits, [], Math.random),
        RangeError,
        "Cannot pick a token: the logits hold NaN or infinity",
      );
    }
  }
});

Deno.test("Sampler adapts to another vocabulary size", () => {
  const sampler = new Sampler({ ...NEUTRAL, topK: 2 });
  assertEquals(sampler.candidates(new Float32Array(3), []).ids.length, 2);
  assertEquals(sampler.candidates(new Float32Array(9), []).ids.length, 2);
  assert(sampler.sample(new Float32Array(1), [], Math.random) === 0);
});
