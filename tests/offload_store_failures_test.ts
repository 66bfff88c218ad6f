/** A host store whose n-th read fails: the error comes out, and life goes on. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { HostStore } from "../src/offload/host_store.ts";
import type { StoreKind } from "../src/offload/plan_stores.ts";
import { count } from "./_counts.ts";
import { type OffloadLab, WAY, type Way, withLab } from "./_offload_lab.ts";
import { checkShadow } from "./_offload_shadow.ts";
import {
  assertSameBits,
  MODELS,
  talk,
  type Transcript,
  type Turn,
} from "./_offload_talk.ts";
import { covering, product } from "./_offload_ways.ts";
import { Random } from "./_random.ts";

const SEED = 5;

/** Where a read fails, and how. */
interface Failure {
  /** Which read after the fuse is lit. */
  readonly nth: 1 | 2 | 3 | 7;
  readonly during: "prefill" | "decode";
  readonly from: Pick<Way, "stores" | "prefetch">;
  readonly how: "throws" | "rejects";
}

const ALL: readonly StoreKind[] = ["array-buffer", "pinned", "disk"];

const ALL_FAILURES = product<Failure>({
  nth: [1, 2, 3, 7],
  during: ["prefill", "decode"],
  from: [
    { stores: ["array-buffer"], prefetch: "off" },
    { stores: ["disk"], prefetch: "off" },
    { stores: ALL, prefetch: "next-layer" },
  ],
  how: ["throws", "rejects"],
});

const FAILURES = covering(ALL_FAILURES, 0, new Random(SEED));

const FIRST: readonly Turn[] = [{ keep: 0, promptLength: 9, answerLength: 3 }];
const TURNS: readonly Turn[] = [
  { keep: 0, promptLength: 40, answerLength: 6 },
  { keep: 4, promptLength: 1, answerLength: 20 },
];
const CHUNK_SIZE = 24;

/** Sets a store on fire. */
class Fuse {
  readonly error = new Error("Cannot read expert: the disk is on fire");
  #left = Infinity;

  /** Lets the n-th read from now on fail, and no other. */
  light(nth: number): void {
    this.#left = nth;
  }

  wrap(store: HostStore, how: Failure["how"]): HostStore {
    return {
      buffers: store.buffers,
      placeOf: (id) => store.placeOf(id),
      homeOf: (id) => store.homeOf(id),
      read: (id) => {
        if (--this.#left !== 0) return store.read(id);
        if (how === "throws") throw this.error;
        return Promise.reject(this.error);
      },
      [Symbol.dispose]: () => store[Symbol.dispose](),
    };
  }
}

async function burn(
  lab: OffloadLab,
  { nth, during, how, from }: Failure,
  expected: Transcript,
): Promise<void> {
  const way: Way = {
    ...WAY,
    ...from,
    slots: [2, 4, 3],
    chunkSize: CHUNK_SIZE,
  };
  const fuse = new Fuse();
  using model = await lab.offloaded(way, (store) => fuse.wrap(store, how));
  await talk(model, FIRST, SEED + 1);
  fuse.light(nth);
  const [prefill, decode] = TURNS;
  const error = await assertRejects(() =>
    during === "prefill"
      ? talk(model, [{ ...prefill!, answerLength: 1 }], SEED)
      : talk(model, [{ ...decode!, keep: 9, answerLength: 60 }], SEED)
  );
  assert(error === fuse.error, `another error came out: ${error}`);
  await checkShadow(lab, way, model);
  assertSameBits(await talk(model, TURNS, SEED), expected, "after the fire");
  await checkShadow(lab, way, model);
}

Deno.test("Mixtral survives a store whose n-th read fails", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using resident = await lab.resident(CHUNK_SIZE);
    const expected = await talk(resident, TURNS, SEED);
    assertEquals(expected.ids.length, 26);
    for (const failure of FAILURES) {
      try {
        await burn(lab, failure, expected);
      } catch (error) {
        throw new Error(`With ${JSON.stringify(failure)}: ${error}`, {
          cause: error,
        });
      }
    }
    count("stores that fail", "faults injected", FAILURES.length);
    count("stores that fail", "recoveries", FAILURES.length);
  });
});
