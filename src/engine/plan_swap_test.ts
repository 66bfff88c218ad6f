import { assertEquals } from "@std/assert";
import { planSwap, WORTHWHILE_TOKENS as N } from "./plan_swap.ts";

/** Ids that no others have in common. */
const own = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => first + i);
const SYSTEM = own(0, 40);
const A = [...SYSTEM, ...own(1000, 30)];
const B = [...SYSTEM, ...own(2000, 30)];

Deno.test("planSwap() lets a conversation go on where it is", () => {
  const longer = [...A, 7, 7];
  assertEquals(planSwap(A, longer, []), { keeps: false, back: null });
  // Also if what is kept begins as it does.
  const kept = [{ ids: SYSTEM }, { ids: A }];
  assertEquals(planSwap(A, longer, kept), { keeps: false, back: null });
  assertEquals(planSwap([], longer, []), { keeps: false, back: null });
});

Deno.test("planSwap() keeps what a prompt would overwrite, if it is enough", () => {
  const cases: [number, boolean][] = [[N - 1, false], [N, true]];
  for (const [lost, keeps] of cases) {
    const running = [...SYSTEM, ...own(1000, lost)];
    assertEquals(planSwap(running, [...SYSTEM, 5, 5], []).keeps, keeps);
    assertEquals(planSwap(own(1000, lost), [], []).keeps, keeps);
  }
});

Deno.test("planSwap() keeps no answer whose prompt asks for another", () => {
  const prompt = A.slice(0, 50);
  assertEquals(planSwap(A, prompt, []), { keeps: false, back: null });
  assertEquals(planSwap(A, [...prompt, 7], []).keeps, true); // it goes on elsewhere
});

Deno.test("planSwap() keeps nothing twice", () => {
  assertEquals(planSwap(A, own(5000, 9), [{ ids: [...A, 7] }]).keeps, false);
  assertEquals(planSwap(A, own(5000, 9), [{ ids: A }]).keeps, false);
  // One that is only a part of it does not hold it.
  const part = { ids: A.slice(0, -1) };
  assertEquals(planSwap(A, own(5000, 9), [part, { ids: B }]).keeps, true);
});

Deno.test("planSwap() brings back what a prompt shares most with", () => {
  const kept = [{ ids: SYSTEM }, { ids: A }, { ids: own(5000, 90) }];
  const back = { sequence: kept[1]!, tokenCount: 70, gain: 70 - 40 };
  assertEquals(planSwap(B, [...A, 7], kept), { keeps: true, back });
  // A prompt of another conversation shares the start with it.
  assertEquals(planSwap(own(9000, 3), B, kept).back, {
    sequence: kept[1]!, // which was used later than the other
    tokenCount: 40,
    gain: 40,
  });
});

Deno.test("planSwap() leaves the last token of a prompt to run", () => {
  const kept = [{ ids: A }];
  const { back } = planSwap([], A, kept);
  assertEquals(back, { sequence: kept[0]!, tokenCount: 69, gain: 69 });
  assertEquals(planSwap([], [1], [{ ids: own(1, N) }]).back, null);
});

Deno.test("planSwap() brings back nothing for a few tokens", () => {
  const running = own(0, 40);
  const cases: [number, boolean][] = [[N - 1, false], [N, true]];
  for (const [gain, isWorth] of cases) {
    const sequence = { ids: own(0, 40 + gain) };
    const prompt = [...sequence.ids, 5];
    const { back } = planSwap([...running, 9], prompt, [sequence]);
    assertEquals(back !== null, isWorth);
  }
});
