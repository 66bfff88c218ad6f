import { assert, assertEquals, assertThrows } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import { describePlan } from "./describe_plan.ts";
import type { ModelSizes } from "./model_sizes.ts";
import {
  type AdapterGrants,
  type PlacementOptions,
  planPlacement,
} from "./placement.ts";

const GIB = 2 ** 30;

/** Mixtral-8x7B with experts of 2 bits, 4096 positions. */
const MIXTRAL: ModelSizes = {
  layerCount: 32,
  expertCount: 8,
  topK: 2,
  expertByteLength: 66_404_364,
  trunkByteLength: 1_240_000_000,
  kvByteLength: GIB,
  scratchByteLength: 64 * 2 ** 20,
};

/** A model with round numbers: 10 bytes an expert, 100 for the rest. */
const SMALL: ModelSizes = {
  layerCount: 4,
  expertCount: 8,
  topK: 2,
  expertByteLength: 10,
  trunkByteLength: 50,
  kvByteLength: 30,
  scratchByteLength: 20,
};

const ADAPTER: AdapterGrants = {
  maxBufferSize: 2 ** 31,
  maxStorageBufferBindingSize: 2 ** 31 - 4,
  maxStorageBuffersPerShaderStage: 10,
  pinnedByteLength: Infinity,
};

function plan(sizes: ModelSizes, options: Partial<PlacementOptions> = {}) {
  return planPlacement(sizes, { adapter: ADAPTER, ...options });
}

Deno.test("planPlacement() makes a small model resident", () => {
  const { slots, residentLayers, stagingSlotCount, stores, ...rest } = plan(
    SMALL,
  );
  assertEquals(slots, [8, 8, 8, 8]);
  assertEquals(residentLayers, [0, 1, 2, 3]);
  assertEquals([stagingSlotCount, stores], [0, []]);
  assertEquals([rest.vramByteLength, rest.ramByteLength], [420, 0]);
  assertEquals(rest.reasons, [
    "VRAM: 8.0 GiB planned for, since no budget is given and WebGPU does not say what there is",
    "Slots: one for every expert, since 8.0 GiB of VRAM hold the model",
    "Store: none, since every expert has a slot of its own",
  ]);
});

Deno.test("planPlacement() deals slots out evenly, then to the deepest", () => {
  // 100 fixed, 4 staging slots, 14 slots and 9 bytes.
  const { slots, slotCount, stagingSlotCount, ...rest } = plan(SMALL, {
    vramByteLength: 289,
  });
  assertEquals(slots, [3, 3, 4, 4]);
  assertEquals([slotCount, stagingSlotCount], [14, 4]);
  assertEquals([rest.vramByteLength, rest.ramByteLength], [280, 320]);
  assertEquals(rest.reasons, [
    "Slots: 14, what 289 bytes of VRAM hold beside 100 bytes of trunk, KV cache and scratch and 4 staging slots, evenly over 4 layers",
    "Slots: one more from layer 2 on, since deeper layers gain most by it",
    "Store: pinned for 32 experts, since the GPU reads it fastest",
    "Residency: decided on the GPU, since all experts off the GPU are pinned",
  ]);
});

Deno.test("planPlacement() does for Mixtral what the paper does", () => {
  // 12 GB cards: 4 of 8 experts; see the paper's table 2.
  const auto = plan(MIXTRAL, { vramByteLength: 11 * GIB });
  assertEquals(new Set(auto.slots), new Set([4, 5]));
  const demo = plan(MIXTRAL, {
    mainSize: 128,
    offloadSize: 128,
    bufferSize: 4,
    offloadPerLayer: 4,
  });
  assertEquals(new Set(demo.slots), new Set([4]));
  assertEquals(demo.slotCount + demo.stagingSlotCount, 132);
  assertEquals(demo.ramByteLength, 256 * MIXTRAL.expertByteLength);
});

Deno.test("planPlacement() plans for 8 GiB, or for what top-k takes", () => {
  const small = plan(MIXTRAL);
  assert(small.vramByteLength <= 8 * GIB);
  assert(small.vramByteLength + MIXTRAL.expertByteLength > 8 * GIB);
  const large = plan({ ...MIXTRAL, expertByteLength: 200_000_000 });
  assertEquals(new Set(large.slots), new Set([2]));
  assert(large.vramByteLength > 8 * GIB);
});

Deno.test("planPlacement() never exceeds a budget, and wastes no slot", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    await withRandom(seed, (random) => {
      const expertCount = 2 + random.integer(15);
      const expertByteLength = 1 + random.integer(50);
      const gap = random.integer(2) * random.integer(20); // between slots
      const sizes: ModelSizes = {
        layerCount: 1 + random.integer(8),
        expertCount,
        topK: 1 + random.integer(expertCount),
        expertByteLength,
        ...(gap > 0 ? { slotByteLength: expertByteLength + gap } : {}),
        trunkByteLength: random.integer(500),
        kvByteLength: random.integer(500),
        scratchByteLength: random.integer(500),
      };
      const vramByteLength = 1 + random.integer(5000);
      const ramByteLength = 1 + random.integer(5000);
      const pinnedByteLength = random.integer(3) * random.integer(1000);
      const adapter = { ...ADAPTER, pinnedByteLength };
      const options = { adapter, vramByteLength, ramByteLength };
      const planned = orRefusal(() => planPlacement(sizes, options));
      if (planned === undefined) return;
      assert(planned.vramByteLength <= vramByteLength);
      assert(planned.ramByteLength <= ramByteLength);
      const { slots, residentLayers, stores, stagingSlotCount } = planned;
      assertEquals(slots.length, sizes.layerCount);
      assert(slots.every((n) => n >= sizes.topK && n <= expertCount));
      assert(Math.max(...slots) - Math.min(...slots) <= 1);
      const offGpu = sizes.layerCount - residentLayers.length;
      const kept = stores.reduce((sum, part) => sum + part.expertCount, 0);
      assertEquals(kept, offGpu * expertCount);
      const pinned = stores.find(({ kind }) => kind === "pinned");
      assert((pinned?.ramByteLength ?? 0) <= pinnedByteLength);
      const isPinned = (pinned?.expertCount ?? 0) === kept;
      assertEquals(planned.residency, isPinned ? "gpu" : "cpu");
      if (offGpu === 0) return;
      assertEquals(stagingSlotCount, 4);
      // Resident layers have no gaps, nor have slots that the host assigns.
      const gapless = planned.residency === "gpu"
        ? residentLayers.length * expertCount
        : planned.slotCount;
      const gaps = gapless * gap;
      const room = vramByteLength - planned.vramByteLength - gaps;
      assert(room < expertByteLength + gap, `${room} bytes are wasted`);
    });
  }
});

/** `undefined` if it is refused with a sentence. */
function orRefusal<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch (error) {
    assert(error instanceof RangeError, String(error));
    assert(/^Cannot plan: .*, wanted .*[^.]$/.test(error.message));
  }
}

Deno.test("planPlacement() needs no store for a resident layer", () => {
  const { residentLayers, stores } = plan(SMALL, { slots: [8, 2, 8, 3] });
  assertEquals(residentLayers, [0, 2]);
  assertEquals(stores, [{
    kind: "pinned",
    expertCount: 16,
    ramExpertCount: 16,
    ramByteLength: 160,
  }]);
});

Deno.test("planPlacement() leaves room between slots that share a buffer", () => {
  const sizes = { ...SMALL, slotByteLength: 16 };
  // 100 fixed, 4 staging slots, 9 slots and 5 bytes.
  const auto = plan(sizes, { vramByteLength: 289 });
  assertEquals(auto.slots, [2, 2, 2, 3]);
  assertEquals([auto.slotsByteLength, auto.vramByteLength], [144, 284]);
  // Layers that are resident have no gaps.
  const mixed = plan(sizes, { slots: [8, 2, 8, 3] });
  assertEquals([mixed.slotsByteLength, mixed.vramByteLength], [240, 380]);
  assertEquals(plan(sizes).vramByteLength, 420);
  assertEquals(mixed.ramByteLength, 160);
  assert(
    describePlan(mixed).includes("21 slots 240 bytes, 4 staging slots 40"),
  );
  assertThrows(
    () => plan(sizes, { vramByteLength: 267 }),
    RangeError,
    "at least top-k = 2 slots in each of 4 layers (128 bytes), wanted 268 bytes",
  );
});

Deno.test("planPlacement() lets the GPU decide, or whoever is asked for", () => {
  const { residency, reasons } = plan(SMALL, { slots: [8, 2, 8, 3] });
  assertEquals(residency, "gpu");
  assertEquals(
    reasons.at(-1),
    "Residency: decided on the GPU, since all experts off the GPU are pinned",
  );
  const wishes = ["auto", "gpu", "cpu"] as const;
  assertEquals(
    wishes.map((residency) => plan(SMALL, { slots: 2, residency }).residency),
    ["gpu", "gpu", "cpu"],
  );
  // A resident model leaves nothing to decide, and so nothing to refuse.
  const adapter = { ...ADAPTER, maxStorageBuffersPerShaderStage: 8 };
  assertEquals(plan(SMALL, { adapter, residency: "gpu" }).residency, "gpu");
});

Deno.test("planPlacement() refuses what does not fit", () => {
  const cases: [Partial<PlacementOptions>, string][] = [
    [
      { vramByteLength: 200 },
      "Cannot plan: 200 bytes of VRAM have to hold the trunk (50 bytes), the KV cache (30 bytes), scratch (20 bytes), 4 staging slots (40 bytes) and at least top-k = 2 slots in each of 4 layers (80 bytes), wanted 220 bytes; use a larger VRAM budget, a shorter context or experts of fewer bits",
    ],
    [
      { vramByteLength: 300, slots: 5 },
      "Cannot plan: 300 bytes of VRAM have to hold the trunk (50 bytes), the KV cache (30 bytes), scratch (20 bytes), 4 staging slots (40 bytes) and the 20 slots asked for (200 bytes), wanted 340 bytes; use a larger VRAM budget or slots auto",
    ],
    [
      { vramByteLength: 400, offloadPerLayer: 0 },
      "Cannot plan: 400 bytes of VRAM have to hold the trunk (50 bytes), the KV cache (30 bytes), scratch (20 bytes) and the 32 slots asked for (320 bytes), wanted 420 bytes; use a larger VRAM budget or slots auto",
    ],
    [
      { slots: 2, bufferSize: 1 },
      "Cannot plan: bufferSize is 1, wanted at least 2 staging slots, one to fill while another is used",
    ],
    [
      { slots: 2, ramByteLength: 9 },
      "Cannot plan: the RAM budget is 9 bytes, wanted at least 10 bytes for an expert; use a larger one",
    ],
    [
      { slots: 2, ramByteLength: 9, store: "disk" },
      "Cannot plan: the RAM budget is 9 bytes, wanted at least 10 bytes for an expert; use a larger one",
    ],
    [
      { slots: 2, ramByteLength: 100, store: "pinned" },
      "Cannot plan: 32 experts off the GPU take 320 bytes, wanted at most 100 bytes of RAM; use store auto or disk",
    ],
    [
      { slots: 2, ramByteLength: 100, store: "array-buffer" },
      "Cannot plan: 32 experts off the GPU take 320 bytes, wanted at most 100 bytes of RAM; use store auto or disk",
    ],
    [
      {
        slots: 2,
        store: "pinned",
        adapter: { ...ADAPTER, pinnedByteLength: 0 },
      },
      "Cannot plan: the adapter gives no pinned memory, wanted it for the store; use store array-buffer or auto",
    ],
    [
      {
        slots: 2,
        store: "pinned",
        adapter: { ...ADAPTER, pinnedByteLength: 100 },
      },
      "Cannot plan: 32 experts off the GPU take 320 bytes, wanted at most 100 bytes of pinned memory; use store auto",
    ],
    [
      { slots: 2, store: "disk", residency: "gpu" },
      "Cannot plan: 32 experts off the GPU are not pinned, wanted all for residency gpu; use store pinned, or residency auto or cpu",
    ],
    [
      {
        slots: 2,
        residency: "gpu",
        adapter: { ...ADAPTER, maxStorageBuffersPerShaderStage: 8 },
      },
      "Cannot plan: the adapter binds 8 storage buffers at once, wanted at least 10 for residency gpu; use residency auto or cpu",
    ],
    [
      { adapter: { ...ADAPTER, maxStorageBufferBindingSize: 9 } },
      "Cannot plan: an expert takes a buffer of 10 bytes, wanted at most 9 bytes, which is what the adapter binds; use experts of fewer bits",
    ],
    [
      { vramByteLength: NaN },
      "Cannot plan: vramByteLength is NaN, wanted a number of bytes above 0",
    ],
    [
      { ramByteLength: 0 },
      "Cannot plan: ramByteLength is 0, wanted a number of bytes above 0",
    ],
  ];
  for (const [options, message] of cases) {
    const error = assertThrows(() => plan(SMALL, options), RangeError);
    assertEquals(error.message, message);
  }
});

Deno.test("planPlacement() binds the parts of a large expert", () => {
  const adapter = { ...ADAPTER, maxBufferSize: 9 };
  const sizes = { ...SMALL, expertBufferByteLength: 5 };
  assertEquals(plan(sizes, { adapter }).slotCount, 32);
});

Deno.test("describePlan() says what goes where, and why", () => {
  const lines = describePlan(plan(SMALL, {
    vramByteLength: 289,
    ramByteLength: 200,
    adapter: { ...ADAPTER, pinnedByteLength: 105 },
  }));
  assertEquals(
    lines,
    `VRAM   280 bytes: trunk 50 bytes, KV cache 30 bytes, scratch 20 bytes, 14 slots 140 bytes, 4 staging slots 40 bytes
slots  3 in layers 0-1, 4 in layers 2-3
RAM    200 bytes: 10 experts pinned (100 bytes), 6 experts array-buffer (60 bytes), 16 experts on disk (4 cached, 40 bytes)
- Slots: 14, what 289 bytes of VRAM hold beside 100 bytes of trunk, KV cache and scratch and 4 staging slots, evenly over 4 layers
- Slots: one more from layer 2 on, since deeper layers gain most by it
- Store: pinned for 10 experts, since the GPU reads it fastest
- Store: array-buffer for 6 experts, since pinned memory ends at 105 bytes
- Store: disk for 16 experts, since 200 bytes of RAM hold 20 of 32, 4 of them to read into
- Residency: decided by the host, since 22 experts off the GPU are not pinned`,
  );
  assertEquals(
    describePlan(plan(SMALL, { slots: [8, 2, 8, 8] })).split("\n")[1],
    "slots  8 in layer 0, 2 in layer 1, 8 in layers 2-3",
  );
});
