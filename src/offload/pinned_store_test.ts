import { assert, assertEquals, assertRejects } from "@std/assert";
import { gpuTest, makeReader } from "../../tests/_gpu.ts";
import { GpuWatch } from "../../tests/_offload_calls.ts";
import { limitPools } from "../../tests/_offload_pool_limit.ts";
import type { Gpu } from "../gpu/device.ts";
import { expertOf, type ReadExpert } from "./host_store.ts";
import {
  chunkLength,
  createPinnedStore,
  type PinnedStoreOptions,
} from "./pinned_store.ts";
import { poolPartsOf } from "./pool_parts.ts";

const BYTE_LENGTH = 64;

/** Every word of an expert tells which one it is. */
const readExpert: ReadExpert = ({ layer, expert }, into) => {
  new Uint32Array(into.buffer).fill(1000 * layer + expert);
  return Promise.resolve();
};

const OPTIONS: PinnedStoreOptions = {
  layerCount: 3,
  expertCount: 4,
  expertByteLength: BYTE_LENGTH,
  readExpert,
  range: { first: 2, count: 9 },
};

gpuTest(
  "createPinnedStore() holds every expert of its range",
  async ({ gpu }) => {
    let done = 0;
    const pinned: number[] = [];
    using store = await createPinnedStore(gpu, {
      ...OPTIONS,
      onExpert: () => done++,
      onPinned: (byteLength) => pinned.push(byteLength),
    });
    assertEquals([done, pinned], [9, [9 * BYTE_LENGTH]]);
    assertEquals([store.expertCount, store.buffers.length], [9, 1]);
    await checkContents(gpu, store);
    assertEquals(await store.read({ layer: 1, expert: 2 }), null);
  },
);

gpuTest(
  "createPinnedStore() halves chunks that the system refuses",
  async ({ gpu }) => {
    using limit = limitPools(9 * BYTE_LENGTH - 1);
    await assertRejects(
      () => createPinnedStore(gpu, OPTIONS),
      RangeError,
      "Cannot pin 9 experts of 64 bytes: the system grants memory for 8 of them",
    );
    // 9 at once; then 4, 4 more, and the last.
    assertEquals(limit.refused, [9 * BYTE_LENGTH, BYTE_LENGTH]);
  },
);

Deno.test("chunkLength() keeps layers whole", () => {
  const lengths = (options: { first: number; count: number; most: number }) => {
    const end = options.first + options.count;
    const counts: number[] = [];
    for (let { first } = options; first < end;) {
      const of = { first, most: options.most, expertCount: 4 };
      counts.push(chunkLength(end - first, of));
      first += counts.at(-1)!;
    }
    return counts;
  };
  assertEquals(lengths({ first: 0, count: 22, most: 11 }), [8, 8, 6]);
  assertEquals(lengths({ first: 8, count: 22, most: 8 }), [8, 8, 6]);
  assertEquals(lengths({ first: 4, count: 8, most: 4 }), [4, 4]);
  assertEquals(lengths({ first: 0, count: 11, most: 11 }), [11]);
  // A layer is too large.
  assertEquals(lengths({ first: 0, count: 8, most: 3 }), [3, 3, 2]);
  // The range begins within a layer.
  assertEquals(lengths({ first: 2, count: 12, most: 5 }), [5, 5, 2]);
});

gpuTest(
  "createPinnedStore() splits no layer that a chunk holds",
  async ({ gpu }) => {
    const options = { ...OPTIONS, range: { first: 4, count: 8 } };
    // 8 at once are refused, then 4, whole as they are; then 2 and 1.
    for (const [granted, counts] of [[8, [8]], [7, [4, 2, 1]]] as const) {
      using _ = limitPools(granted * BYTE_LENGTH);
      using store = await createPinnedStore(gpu, {
        ...options,
        isPartial: true,
      });
      const sizes = store.buffers.map(({ size }) => size / BYTE_LENGTH);
      assertEquals(sizes, [...counts]);
      const [first] = poolPartsOf(store, 1, 4)!;
      assertEquals(first, { buffer: 0, firstExpert: 0, count: 4, index: 0 });
    }
  },
);

gpuTest(
  "createPinnedStore() halves a chunk of several layers to whole ones",
  async ({ gpu }) => {
    const layerCount = 6;
    using limit = limitPools(22 * BYTE_LENGTH);
    using store = await createPinnedStore(gpu, {
      ...OPTIONS,
      layerCount,
      range: { first: 0, count: 4 * layerCount - 1 },
      isPartial: true,
    });
    assertEquals(limit.refused, [23, 7, 3, 1].map((n) => n * BYTE_LENGTH));
    // Of 11 two layers, twice; of 7 then the one that there is room for.
    const sizes = store.buffers.map(({ size }) => size / BYTE_LENGTH);
    assertEquals(sizes, [8, 8, 4, 1, 1]);
    for (let layer = 0; layer < 5; layer++) {
      assertEquals(poolPartsOf(store, layer, 4)!.length, 1);
    }
  },
);

gpuTest("createPinnedStore() holds a part if it may", async ({ gpu }) => {
  for (const granted of [8, 5, 1, 0]) {
    using _ = limitPools(granted * BYTE_LENGTH + 8);
    using store = await createPinnedStore(gpu, { ...OPTIONS, isPartial: true });
    assertEquals(store.expertCount, granted);
    const sizes = store.buffers.map(({ size }) => size / BYTE_LENGTH);
    assertEquals(sizes.reduce((a, b) => a + b, 0), granted);
    await checkContents(gpu, store);
  }
});

gpuTest(
  "createPinnedStore() frees its pool when an expert cannot be read",
  async ({ gpu }) => {
    using watch = new GpuWatch();
    const error = new Error("no such expert");
    const failing: ReadExpert = (id, into) =>
      id.layer === 2 ? Promise.reject(error) : readExpert(id, into);
    const thrown = await assertRejects(() =>
      createPinnedStore(gpu, { ...OPTIONS, readExpert: failing })
    );
    assert(thrown === error);
    assertEquals(watch.buffers.length, 1);
    assertEquals(watch.byteLength(), 0);
  },
);

gpuTest(
  "createPinnedStore() frees its pool when it is disposed of",
  async ({ gpu }) => {
    using watch = new GpuWatch();
    const store = await createPinnedStore(gpu, OPTIONS);
    assertEquals(watch.byteLength(), 9 * BYTE_LENGTH);
    store[Symbol.dispose]();
    assertEquals(watch.byteLength(), 0);
  },
);

/** Fails unless each expert lies where the store says. */
async function checkContents(
  gpu: Gpu,
  store: Awaited<ReturnType<typeof createPinnedStore>>,
): Promise<void> {
  using reader = await makeReader(gpu, 9 * BYTE_LENGTH);
  const pools = [];
  for (const buffer of store.buffers) pools.push(await reader.words(buffer));
  for (let i = 0; i < store.expertCount; i++) {
    const id = expertOf(OPTIONS.range.first + i, OPTIONS);
    const { buffer, index } = store.placeOf(id)!;
    const from = index * BYTE_LENGTH / 4;
    assertEquals(
      [...pools[buffer]!.subarray(from, from + BYTE_LENGTH / 4)],
      Array(BYTE_LENGTH / 4).fill(1000 * id.layer + id.expert),
    );
  }
}
