import { assert, assertEquals } from "@std/assert";
import {
  choosePositions,
  estimateReferenceMs,
  verifyLengths,
  verifyWays,
} from "./verify_cases.ts";

Deno.test("verifyLengths() takes both sides of thresholds, and all tokens", () => {
  assertEquals(verifyLengths(96, false), [2, 8, 9, 24, 25, 64, 65, 96]);
  assertEquals(verifyLengths(65, true), [2, 9, 25, 65]);
  assertEquals(verifyLengths(1, false), [1]);
});

Deno.test("verifyWays() tries every policy, store and place of decision", () => {
  const model = { expertCount: 8, topK: 2, isQuick: false };
  const resident = { ...model, load: {}, slots: [8, 8] };
  const ways = verifyWays(resident);
  const of = (name: "policy" | "residency" | "prefetch" | "store") =>
    new Set(ways.map((way) => way[name]));
  assertEquals(of("policy").size, 3);
  assertEquals([of("residency").size, of("prefetch").size], [2, 2]);
  assertEquals([...of("store")], [undefined, "array-buffer", "disk"]);
  assertEquals(ways[0]!.slots, 4);
  // The user's own slots and store stay.
  const load = { store: "disk" } as const;
  const own = verifyWays({ ...model, load, slots: [3, 8] });
  assertEquals(own[0]!.slots, [3, 8]);
  assert(own.every(({ store }) => store === undefined));
  assertEquals(verifyWays({ ...resident, topK: 8 }), []);
  assertEquals(verifyWays({ ...resident, isQuick: true }).length, 2);
});

/** A layer of 8 experts with a thousand weights each, nothing else. */
const COUNTS = {
  layerCount: 1,
  expertCount: 8,
  topK: 2,
  attention: 0,
  expert: 1000,
  head: 0,
};

Deno.test("estimateReferenceMs() counts the experts that somebody chooses", () => {
  const read = { weightNs: 1e3, multiplyNs: 0 };
  const at = (count: number, speed = read) =>
    estimateReferenceMs(count, { counts: COUNTS, speed, workerCount: 1 });
  assertEquals(at(1), 2); // ms for two experts
  assertEquals(at(2), 3.5);
  assert(at(1000) <= 8);
  assertEquals(at(3, { weightNs: 0, multiplyNs: 1e3 }), 6);
});

Deno.test("choosePositions() fills the time, and takes one at least", () => {
  const speed = { weightNs: 0, multiplyNs: 1e3 };
  const options = { counts: COUNTS, speed, workerCount: 1, limit: 9 };
  assertEquals(choosePositions(0, options), 1);
  assertEquals(choosePositions(10, options), 5);
  assertEquals(choosePositions(1e9, options), 9);
});
