/** Load options that fit neither the model nor each other: a sentence, no leak. */

import { assert, assertEquals } from "@std/assert";
import { load, type LoadOptions } from "../mod.ts";
import { settle } from "./_gpu.ts";
import { GpuWatch } from "./_offload_calls.ts";
import { assertSentence } from "./_sentence.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

/** The tiny model has 2 layers of 4 experts, 2 a token, 18 KiB an expert. */
const REFUSED: readonly {
  what: string;
  options: LoadOptions;
  says: string;
}[] = [
  {
    what: "fewer slots than top-k",
    options: { slots: 1 },
    says: "layer 0 gets 1 slot, wanted 2 (top-k) to 4",
  },
  {
    what: "fewer slots than top-k in one layer",
    options: { slots: [2, 1] },
    says: "layer 1 gets 1 slot, wanted 2 (top-k) to 4",
  },
  {
    what: "more slots than experts",
    options: { slots: 5 },
    says: "layer 0 gets 5 slots, wanted 2 (top-k) to 4",
  },
  {
    what: "half a slot",
    options: { slots: 2.5 },
    says: "layer 0 gets 2.5 slots",
  },
  {
    what: "slots of more layers than there are",
    options: { slots: [2, 2, 2] },
    says: "slots are listed for 3 layers, wanted one number for each of 2",
  },
  {
    what: "slots of no layer",
    options: { slots: [] },
    says: "slots are listed for 0 layers, wanted one number for each of 2",
  },
  {
    what: "VRAM that holds nothing",
    options: { vramByteLength: 1000 },
    says: "1000 bytes of VRAM have to hold the trunk",
  },
  {
    what: "VRAM that does not hold the slots",
    options: { slots: 4, vramByteLength: 200_000 },
    says: "and the 8 slots asked for",
  },
  {
    what: "no VRAM",
    options: { vramByteLength: 0 },
    says: "vramByteLength is 0, wanted a number of bytes above 0",
  },
  {
    what: "RAM that holds no expert",
    options: { slots: 2, ramByteLength: 1000 },
    says: "the RAM budget is 1000 bytes, wanted at least 18.0 KiB",
  },
  {
    what: "RAM that holds no expert to read from disk",
    options: { slots: 2, store: "disk", ramByteLength: 1000 },
    says: "the RAM budget is 1000 bytes, wanted at least 18.0 KiB",
  },
  {
    what: "RAM that does not hold the pinned store",
    options: { slots: 2, store: "pinned", ramByteLength: 100_000 },
    says: "8 experts off the GPU take 144.0 KiB, wanted at most 97.7 KiB",
  },
  {
    what: "RAM that does not hold the array buffers",
    options: { slots: 2, store: "array-buffer", ramByteLength: 100_000 },
    says: "8 experts off the GPU take 144.0 KiB, wanted at most 97.7 KiB",
  },
  {
    what: "a mainSize that is not the sum of the slots",
    options: { slots: [2, 3], mainSize: 6 },
    says: "mainSize is 6, wanted 5, the number of slots of all layers",
  },
  {
    what: "mainSize and offloadSize that are not all experts",
    options: { mainSize: 4, offloadSize: 6 },
    says: "offloadSize is 6, wanted 4, the number of experts without a slot",
  },
  {
    what: "an offloadPerLayer that contradicts mainSize",
    options: { offloadPerLayer: 1, mainSize: 4 },
    says: "mainSize is 4, wanted 6",
  },
  {
    what: "an offloadPerLayer that leaves fewer slots than top-k",
    options: { offloadPerLayer: 3 },
    says: "layer 0 gets 1 slot, wanted 2 (top-k) to 4",
  },
  {
    what: "one staging slot",
    options: { slots: 2, bufferSize: 1 },
    says: "bufferSize is 1, wanted at least 2 staging slots",
  },
  {
    what: "no experts to prefetch",
    options: { slots: 2, prefetch: "next-layer", prefetchExperts: 0 },
    says: "prefetchExperts is 0, wanted a positive whole number",
  },
  {
    what: "an unknown store",
    options: { slots: 2, store: "tape" as "disk" },
    says: 'store is "tape", wanted one of auto, pinned, array-buffer, disk',
  },
  {
    what: "an unknown policy",
    options: { slots: 2, policy: "fifo" as "lru" },
    says: 'policy is "fifo", wanted one of lru, lfu, class-lru',
  },
  {
    what: "the GPU deciding over experts on disk",
    options: { slots: 2, store: "disk", residency: "gpu" },
    says: "8 experts off the GPU are not pinned, wanted all for residency gpu",
  },
  {
    what: "an unknown residency",
    options: { slots: 2, residency: "me" as "gpu" },
    says: 'residency is "me", wanted one of auto, gpu, cpu',
  },
  {
    what: "an unknown prefetch mode",
    options: { slots: 2, prefetch: "always" as "auto" },
    says: 'prefetch is "always", wanted one of off, next-layer, auto',
  },
];

for (const { what, options, says } of REFUSED) {
  Deno.test(`load() refuses ${what} in a sentence and leaks nothing`, async () => {
    using model = await tinyCheckpoint();
    using watch = new GpuWatch();
    try {
      await assertSentence(() => load(model.path, options), says);
      assertEquals(watch.buffers, []);
      assertEquals(watch.destroyedDevices, watch.devices);
    } finally {
      await settle();
    }
  });
}

Deno.test("load() leaks nothing when the checkpoint breaks under it", async () => {
  for (const store of ["pinned", "array-buffer", "disk"] as const) {
    using model = await tinyCheckpoint();
    const file = `${model.path}/model.safetensors`;
    const { size } = await Deno.stat(file);
    using watch = new GpuWatch();
    const options: LoadOptions = {
      slots: 2,
      store,
      onPlan: () => Deno.truncateSync(file, size / 2),
    };
    await assertSentence(() => load(model.path, options), "cut short");
    await settle();
    assertEquals([watch.devices, watch.destroyedDevices], [1, 1]);
    assert(store !== "pinned" || watch.buffers.length > 0);
    for (const buffer of watch.buffers) {
      // The pool is the store's; the device takes the rest with it.
      assert(buffer.isDestroyed || !buffer.label.startsWith("host pool"));
    }
  }
});
