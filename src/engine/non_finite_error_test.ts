import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { NonFinite, StepAgain } from "../model/find_non_finite.ts";
import { toy } from "./_toy_model.ts";
import {
  areNumbers,
  finiteLogits,
  finiteRows,
  inspectionOf,
  nonFiniteError,
} from "./non_finite_error.ts";

const FOUND: NonFinite = {
  position: 123,
  part: "experts",
  layer: 7,
  experts: [5],
  value: "NaN",
};
const STEP = { tokens: [1, 2, 3], position: 121, row: 2 };

/** What the error says of something found. */
async function saysOf(found: NonFinite | null): Promise<string> {
  const model = { findNonFinite: () => Promise.resolve(found) };
  const { message } = await nonFiniteError(model, STEP);
  assertMatch(message, /^Cannot [^\n]+$/);
  return message;
}

Deno.test("nonFiniteError() names the part, the layer and the experts", async () => {
  const end =
    ", wanted finite numbers; the model's weights are broken or its arithmetic overflowed";
  const cases: [Partial<NonFinite>, string][] = [
    [{}, "layer 7's experts gave NaN at position 123 (expert 5)"],
    [
      { experts: [5, 0] },
      "layer 7's experts gave NaN at position 123 (experts 5 and 0)",
    ],
    [
      { part: "router", experts: [], layer: 0, value: "infinity" },
      "layer 0's router gave infinity at position 123",
    ],
    [
      { part: "embedding", experts: [], layer: null, position: 0 },
      "the embedding gave NaN at position 0",
    ],
    [
      { part: "lm_head", experts: [], layer: null },
      "lm_head gave NaN at position 123",
    ],
  ];
  for (const [change, says] of cases) {
    const message = await saysOf({ ...FOUND, ...change });
    assertEquals(message, `Cannot continue: ${says}${end}`);
  }
});

Deno.test("nonFiniteError() says so if the step went well when it was run again", async () => {
  assertStringIncludes(await saysOf(null), "the same step gave numbers");
});

Deno.test("nonFiniteError() says less if a model cannot tell, or fails", async () => {
  const cause = new Error("the device is lost");
  const lost = { findNonFinite: () => Promise.reject(cause) };
  for (const model of [lost, {}]) {
    const error = await nonFiniteError(model, STEP);
    assertStringIncludes(error.message, "the logits hold NaN or infinity");
    assertEquals(error.cause, model === lost ? cause : undefined);
  }
});

Deno.test("nonFiniteError() goes through the steps of a long prompt in order", async () => {
  const steps: StepAgain[] = [];
  const model = {
    chunkSize: 4,
    findNonFinite(step: StepAgain) {
      steps.push(step);
      return Promise.resolve(step.position === 24 ? FOUND : null);
    },
  };
  const tokens = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  await nonFiniteError(model, { tokens, position: 20, row: 9 });
  assertEquals(steps, [
    { tokens: [0, 1, 2, 3], position: 20, row: 3 },
    { tokens: [4, 5, 6, 7], position: 24, row: 3 },
  ]);
  steps.length = 0;
  await nonFiniteError(model, { tokens, position: 0, row: 5 });
  assertEquals(steps.map(({ position, row }) => [position, row]), [
    [0, 3],
    [4, 1],
  ]);
});

Deno.test("areNumbers() takes -Infinity for the least that there is, as argmax.wgsl does", () => {
  const row = new Float32Array(41).fill(-3);
  assert(areNumbers(row));
  assert(areNumbers(row.with(40, -Infinity)));
  assert(areNumbers(new Float32Array(8).fill(3.4e38)));
  assert(!areNumbers(row.with(0, Infinity)));
  assert(!areNumbers(row.with(17, NaN)));
  assert(!areNumbers(row.with(3, -Infinity).with(40, NaN)));
});

Deno.test("finiteLogits() and finiteRows() refuse logits that are none, and say which", async () => {
  const { model } = toy("abc", { brokenAt: 2 });
  const found = (step: StepAgain) =>
    Promise.resolve({ ...FOUND, position: step.position + step.row });
  const inspected = { ...inspectionOf({ findNonFinite: found }) };
  const forward = model.forward.bind(model);
  assertEquals((await finiteLogits({ forward }, [1, 2], 0)).length, 256);
  await assertRejects(
    () => finiteLogits({ forward, ...inspected }, [3], 2),
    RangeError,
    "layer 7's experts gave NaN at position 2",
  );
  const rows = new Float32Array(6 * 5);
  rows[4 * 5 + 1] = -Infinity;
  const source = {
    ...inspected,
    chunkSize: 3,
    config: { vocabSize: 5 },
    async *forwardAll() {
      yield rows.slice(0, 15);
      yield await Promise.resolve(rows.slice(15));
    },
  };
  const got: number[] = [];
  await assertRejects(
    async () => {
      for await (const { length } of finiteRows(source, [1, 2, 3, 4, 5, 6])) {
        got.push(length);
      }
    },
    RangeError,
    "at position 4",
  );
  assertEquals(got, [15]);
});
