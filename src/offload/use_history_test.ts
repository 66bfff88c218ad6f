import { assert, assertEquals, assertThrows } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import { DECAYED_USE_UNIT, UseHistory } from "./use_history.ts";

/** Goes to a step and uses the expert there. */
function useAt(history: UseHistory, step: number): void {
  while (history.clock < step) history.tick();
  history.use(0);
}

Deno.test("UseHistory halves an old use every half-life", () => {
  for (
    const [age, expected] of [[128, 1.5], [256, 1.25], [1024, 1 + 1 / 256]]
  ) {
    const history = new UseHistory(1);
    useAt(history, 1);
    useAt(history, 1 + age!);
    assertEquals(history.decayedUses[0], expected! * DECAYED_USE_UNIT);
  }
});

Deno.test("UseHistory agrees with a sum of powers", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await withRandom(seed, (random) => {
      const halfLife = 1 + random.integer(200);
      const history = new UseHistory(1, { halfLife });
      const steps: number[] = [];
      let step = 0;
      for (let i = 0; i < 300; i++) {
        step += 1 + Math.floor(300 * random.next() ** 4);
        steps.push(step);
        useAt(history, step);
        const exact = Math.min(
          steps.reduce(
            (sum, used) => sum + 2 ** ((used - step) / halfLife),
            0,
          ),
          256,
        );
        const seen = history.decayedUses[0]! / DECAYED_USE_UNIT;
        // Each use rounds by up to 1/512; old errors decay with the uses.
        const error = exact * 2 ** -8 + 2 ** -8;
        assert(
          Math.abs(seen - exact) <= error,
          `seed ${seed}, step ${step}: ${seen} against ${exact}`,
        );
      }
    });
  }
});

Deno.test("UseHistory stays within 16 bits, and products within 32", () => {
  const history = new UseHistory(1, { halfLife: 100_000 });
  for (let step = 1; step <= 2000; step++) useAt(history, step);
  assertEquals(history.decayedUses[0], 0xffff);
  assertEquals(history.decayFactors[0], 65536);
  assert(0xffff * 65536 + 0x8000 < 2 ** 32);
});

Deno.test("UseHistory counts uses since loading", () => {
  const history = new UseHistory(2);
  useAt(history, 3);
  useAt(history, 4);
  assertEquals([history.uses[0], history.lastUsed[0]], [2, 4]);
  history.load(0);
  assertEquals(history.uses[0], 0);
  assert(history.decayedUses[0]! > DECAYED_USE_UNIT);
  assertEquals(history.lastUsed[1], 0);
});

Deno.test("UseHistory refuses a half-life of 0", () => {
  assertThrows(
    () => new UseHistory(8, { halfLife: 0 }),
    RangeError,
    "Cannot create UseHistory: halfLife is 0, wanted a whole number of at least 1",
  );
});
