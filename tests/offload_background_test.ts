/** Stores that fill while the model runs: the same bits, and no surprises. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { load } from "../mod.ts";
import { flatId, type HostStore } from "../src/offload/host_store.ts";
import type { StoreKind } from "../src/offload/plan_stores.ts";
import type { PrefetchMode } from "../src/offload/prefetch_switch.ts";
import { finish } from "./_engine.ts";
import { settle } from "./_gpu.ts";
import { GpuWatch } from "./_offload_calls.ts";
import { WAY, type Way, withLab } from "./_offload_lab.ts";
import { checkShadow } from "./_offload_shadow.ts";
import { assertSameBits, MODELS, talk, TURNS } from "./_offload_talk.ts";
import { covering, product } from "./_offload_ways.ts";
import { Random } from "./_random.ts";
import { assertSentence } from "./_sentence.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

const SEED = 8;
const SLOTS = [2, 4, 3];

/** Fields of a way that belong together. */
interface Choice extends Pick<Way, "prefetch" | "chunkSize"> {
  readonly place: Pick<Way, "stores" | "residency">;
}

const CHOICES = product<Choice>({
  place: [
    { stores: ["pinned"], residency: "cpu" },
    { stores: ["pinned"], residency: "gpu" }, // as soon as all is there
    { stores: ["array-buffer"], residency: "cpu" },
    { stores: ["array-buffer", "pinned", "disk"], residency: "cpu" },
  ],
  prefetch: ["off", "next-layer"],
  chunkSize: [7, 64],
});

const WAYS = covering(CHOICES, 12, new Random(SEED));

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/** Counts the experts that were asked for before they were pinned. */
function countEarly(store: HostStore) {
  const early = { count: 0 };
  const counting: HostStore = {
    ...store,
    read(id) {
      const isEarly = store.placeOf(id) === null;
      const bytes = store.read(id);
      if (isEarly) early.count++;
      return bytes;
    },
  };
  return { early, counting };
}

Deno.test("Mixtral computes the same bits while its stores fill", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    for (const [i, { place, ...rest }] of WAYS.entries()) {
      using resident = await lab.resident(rest.chunkSize);
      const expected = await talk(resident, TURNS, SEED);
      const random = new Random(i);
      const begin = Promise.withResolvers<void>();
      // Slow enough to last through several turns, in another order than asked.
      const arrival = async () => {
        await begin.promise;
        for (let turns = random.integer(12); turns >= 0; turns--) await turn();
      };
      const way: Way = { ...WAY, ...rest, ...place, slots: SLOTS, arrival };
      let early = { count: 0 };
      using model = await lab.offloaded(way, (store) => {
        const counted = countEarly(store);
        early = counted.early;
        return counted.counting;
      });
      begin.resolve();
      assertSameBits(await talk(model, TURNS, SEED), expected, `way ${i}`);
      assert(early.count > 0, `way ${i} never had to wait`);
      await checkShadow(lab, way, model);
    }
  });
});

Deno.test("Mixtral gets an expert at once that is not there yet, ahead of the others", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    const gate = Promise.withResolvers<void>();
    const read: number[] = [];
    const shape = { expertCount: lab.config.numLocalExperts };
    const way: Way = {
      ...WAY,
      slots: SLOTS,
      stores: ["pinned"],
      // The queue's first eight get stuck.
      arrival: async (id) => {
        const flat = flatId(id, shape);
        if (flat < 8) await gate.promise;
        read.push(flat);
      },
    };
    const store = await lab.makeStore([0, 1, 2], way);
    assertEquals(await store.read({ layer: 2, expert: 5 }), null);
    assertEquals(read, [21]);
    assert(store.placeOf({ layer: 2, expert: 5 }) !== null);
    assertEquals(store.placeOf({ layer: 0, expert: 0 }), null);
    gate.resolve();
    assertEquals(await store.read({ layer: 2, expert: 7 }), null);
    store[Symbol.dispose]();
    await settle();
  });
});

/** Where the reading of an expert fails. */
interface Failure {
  readonly flat: 0 | 9 | 23;
  readonly stores: readonly StoreKind[];
  readonly prefetch: PrefetchMode;
}

Deno.test("Mixtral says in the next step what failed in the background", async () => {
  const failures = product<Failure>({
    flat: [0, 9, 23],
    stores: [["pinned"], ["array-buffer"]],
    prefetch: ["off", "next-layer"],
  });
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    for (const { flat, ...rest } of failures) {
      const error = new Error("Cannot read expert: the disk is on fire");
      const arrival: Way["arrival"] = async (id) => {
        await turn();
        if (flatId(id, { expertCount: 8 }) === flat) throw error;
      };
      const way: Way = { ...WAY, ...rest, slots: SLOTS, arrival };
      using model = await lab.offloaded(way);
      for (let attempt = 0; attempt < 2; attempt++) {
        const thrown = await assertRejects(() => talk(model, TURNS, SEED));
        assert(thrown === error, `another error came out: ${thrown}`);
        await checkShadow(lab, way, model);
      }
    }
  });
});

Deno.test("Mixtral stops filling its stores when it is disposed of", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    for (const kind of ["pinned", "array-buffer"] as const) {
      let begun = 0;
      const gate = Promise.withResolvers<void>();
      const arrival = async () => {
        // Some come in, the next eight get stuck.
        if (++begun > 6) await gate.promise;
      };
      const way: Way = { ...WAY, slots: SLOTS, stores: [kind], arrival };
      using watch = new GpuWatch();
      const model = await lab.offloaded(way);
      while (begun < 14) await turn();
      model[Symbol.dispose]();
      watch.reset();
      gate.resolve();
      await settle();
      assertEquals(begun, 14);
      assertEquals(watch.count("submit"), 0); // each upload would submit
      const isPool = ({ label }: { label: string }) =>
        label.startsWith("host pool");
      assertEquals(watch.byteLength(isPool), 0);
    }
  });
});

Deno.test("load() in the background answers alike, and may be disposed of at any time", async () => {
  using model = await tinyCheckpoint({ shardCount: 3 });
  const answer = async (background: boolean, slots: number) => {
    using engine = await load(model.path, { slots, background });
    const options = { temperature: 0, maxTokens: 24, ignoreEos: true };
    return (await finish(engine.generate([3, 14, 15, 9], options))).ids;
  };
  assertEquals(await answer(true, 2), await answer(false, 4));
  for (const turns of [0, 1, 5]) {
    const engine = await load(model.path, { slots: 2, background: true });
    for (let i = 0; i < turns; i++) await turn();
    engine[Symbol.dispose]();
  }
  await settle();
});

Deno.test("load() says what it cannot read", async () => {
  using model = await tinyCheckpoint();
  const path = `${model.path}/model.safetensors`;
  const { size } = await Deno.stat(path);
  const options = { slots: 2, store: "pinned" } as const;
  // The file is cut after its header was read, when memory has been pinned.
  const cut = () => Deno.truncateSync(path, size / 2);
  await assertSentence(
    () => load(model.path, { ...options, onPlan: cut }),
    `Cannot read ${path}: it was cut short after it was opened`,
  );
  await settle();
});
