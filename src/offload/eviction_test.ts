import { assertEquals } from "@std/assert";
import { classLru, frequencyClass } from "./eviction.ts";
import { UseHistory } from "./use_history.ts";

Deno.test("frequencyClass() is the whole part of the logarithm, 0 to 7", () => {
  for (let decayedUses = 0; decayedUses <= 0xffff; decayedUses++) {
    const uses = Math.max(decayedUses / 256, 1);
    assertEquals(frequencyClass(decayedUses), Math.floor(Math.log2(uses)));
  }
});

Deno.test("classLru() orders by age / 2 ** class", () => {
  const history = new UseHistory(3);
  history.clock = 1000;
  history.lastUsed.set([999, 998, 992]);
  history.decayedUses.set([256, 2 * 256, 8 * 256]);
  // Ages 1, 2 and 8 of classes 0, 1 and 3: all the same.
  const scores = [0, 1, 2].map((id) => classLru(history, id));
  assertEquals(new Set(scores).size, 1);
  history.clock++;
  // 2/1, 3/2 and 9/8.
  const [first, second, third] = [0, 1, 2].map((id) => classLru(history, id));
  assertEquals([first! < second!, second! < third!], [true, true]);
});

Deno.test("classLru() is a u32 for any age", () => {
  const history = new UseHistory(1);
  for (const clock of [0, 1, 2 ** 24 - 1, 2 ** 24, 2 ** 32 - 1]) {
    history.clock = clock;
    const score = classLru(history, 0);
    assertEquals(score, score >>> 0);
    assertEquals(score, 0xffffffff - Math.min(clock, 2 ** 24 - 1) * 128);
  }
});
