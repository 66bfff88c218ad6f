/** The plan, and what is really allocated. */

import { assert, assertEquals } from "@std/assert";
import type { LoadOptions, Plan } from "../mod.ts";
import { planPlacement } from "../src/offload/placement.ts";
import { bankSlotByteLength } from "../src/offload/slot_banks.ts";
import { finish, withEngine } from "./_engine.ts";
import { GpuWatch, type WatchedBuffer } from "./_offload_calls.ts";
import { WAY, withLab } from "./_offload_lab.ts";
import { MODELS } from "./_offload_talk.ts";
import { STORIES, tempDirectory, withTokenizer } from "./_tiny_checkpoint.ts";

/**
 * The plan leaves out uniforms and the table of pieces, 512 bytes for each piece
 * of an expert in the pool: 0.3 % of stories-17m-q, 2.8 % of the smallest model.
 */
const TOLERANCE = 0.03;

const CASES: Readonly<Record<string, LoadOptions>> = {
  "all resident": {},
  "few slots, pinned": { slots: 2, store: "pinned" },
  "many slots, disk": { slots: 7, store: "disk", bufferSize: 2 },
  "a short context": { slots: 4, contextLength: 16 },
  "small chunks": { slots: 3, chunkSize: 4, prefetch: "next-layer" },
  "array buffers": { slots: 3, store: "array-buffer", bufferSize: 7 },
};

/** Host memory: the pool, and what is read back. */
const isHost = ({ usage }: WatchedBuffer) =>
  (usage & GPUBufferUsage.MAP_READ) !== 0;
const isPool = ({ label }: WatchedBuffer) => /^host pool /.test(label);
const isExpert = ({ label }: WatchedBuffer) =>
  /^(staging )?slot |^slots of layer |^experts of layer /.test(label);

function checkPlan(plan: Plan, watch: GpuWatch): void {
  assertEquals(
    watch.byteLength(isExpert),
    plan.slotsByteLength + plan.stagingSlotCount * plan.expertByteLength,
  );
  const pinned = plan.stores.find(({ kind }) => kind === "pinned");
  assertEquals(watch.byteLength(isPool), pinned?.ramByteLength ?? 0);
  const actual = watch.byteLength((buffer) => !isHost(buffer));
  const error = actual / plan.vramByteLength - 1;
  const biggest = watch.buffers.filter((buffer) => !isHost(buffer))
    .sort((a, b) => b.size - a.size)
    .slice(0, 30)
    .map(({ label, size }) => `${label}: ${size}`);
  assert(
    Math.abs(error) <= TOLERANCE,
    `${actual} bytes are ${
      (100 * error).toFixed(1)
    } % off the plan: ${biggest}`,
  );
}

for (const [name, directory] of Object.entries(MODELS)) {
  for (const [what, options] of Object.entries(CASES)) {
    Deno.test(`load() allocates what the plan of ${name} says with ${what}`, async () => {
      using model = name.startsWith("stories")
        ? { ...tempDirectory(), path: directory }
        : await withTokenizer(directory);
      using watch = new GpuWatch();
      let plan: Plan | undefined;
      const onPlan = (made: Plan) => void (plan = made);
      const slots = name.startsWith("c_") && options.slots === 2
        ? 3 // its top-k
        : options.slots;
      const all = { ...options, slots, onPlan };
      await withEngine(model.path, all, async (engine) => {
        checkPlan(plan!, watch);
        const generated = engine.generate(Array(30).fill(5), { maxTokens: 4 });
        await finish(generated).catch(() => {}); // small contexts do not hold it
        checkPlan(plan!, watch);
      });
    });
  }
}

Deno.test("load() allocates what the plan of a model in 16 bits says", async () => {
  using watch = new GpuWatch();
  let plan: Plan | undefined;
  const onPlan = (made: Plan) => void (plan = made);
  const options = { slots: [2, 8, 3, 8, 4, 5], contextLength: 64, onPlan };
  await withEngine(STORIES, options, () => {
    checkPlan(plan!, watch);
    return Promise.resolve();
  });
});

Deno.test("Mixtral allocates the banks that a plan says", async () => {
  await withLab(MODELS["stories-17m-q"], async (lab) => {
    const { expertByteLength } = lab;
    const slotByteLength = bankSlotByteLength(expertByteLength);
    assert(slotByteLength > expertByteLength, "there are no gaps");
    for (const bankSlotLimit of [1, 2, 8]) {
      using watch = new GpuWatch();
      const slots = [2, 8, 5, 8, 8, 8];
      using _ = await lab.offloaded({
        ...WAY,
        slots,
        residency: "gpu",
        bankSlotLimit,
      });
      const plan = planPlacement({
        layerCount: slots.length,
        expertCount: 8,
        topK: 2,
        expertByteLength,
        slotByteLength,
        trunkByteLength: 0,
        kvByteLength: 0,
        scratchByteLength: 0,
      }, {
        slots,
        bufferSize: WAY.stagingSlotCount,
        adapter: {
          maxBufferSize: Infinity,
          maxStorageBufferBindingSize: Infinity,
          pinnedByteLength: Infinity,
          maxStorageBuffersPerShaderStage: 10,
        },
      });
      // Resident layers are the lab's.
      const resident = 4 * 8 * expertByteLength;
      assertEquals(
        watch.byteLength(isExpert) + resident,
        plan.vramByteLength,
      );
      const bankCount = Math.ceil(2 / bankSlotLimit) +
        Math.ceil(5 / bankSlotLimit);
      const banks = watch.buffers.filter(({ label }) =>
        label.startsWith("slots of layer")
      );
      assertEquals(banks.length, bankCount);
    }
  });
});
