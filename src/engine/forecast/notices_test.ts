import { assert, assertEquals } from "@std/assert";
import { planPlacement } from "../../offload/placement.ts";
import { NO_GPU_FACTS } from "../gpu_facts.ts";
import { noticesOf } from "./notices.ts";
import { obstacleOf } from "./planned.ts";

const GIB = 2 ** 30;

const PLAN = planPlacement({
  layerCount: 32,
  expertCount: 8,
  topK: 2,
  expertByteLength: 66.75e6,
  trunkByteLength: 1.2 * GIB,
  kvByteLength: GIB,
  scratchByteLength: 0.2 * GIB,
}, {
  slots: 4,
  adapter: {
    maxBufferSize: 4 * GIB,
    maxStorageBufferBindingSize: 2 * GIB,
    maxStorageBuffersPerShaderStage: 32,
    pinnedByteLength: Infinity,
  },
});

const MACHINE = {
  gpuFacts: NO_GPU_FACTS,
  ramByteLength: 64 * GIB,
  failure: null,
};

Deno.test("noticesOf has nothing to say where all fits", () => {
  assertEquals(noticesOf({ plan: PLAN, obstacle: null }, MACHINE), []);
});

Deno.test("noticesOf says which memory is too small, and why nothing was timed", () => {
  const notices = noticesOf({ plan: PLAN, obstacle: null }, {
    gpuFacts: {
      driver: null,
      vramByteLength: 8 * GIB,
      freeVramByteLength: 7 * GIB,
      source: "nvidia-smi",
    },
    ramByteLength: 8 * GIB,
    failure: "no room",
  });
  assertEquals(notices.length, 3);
  assert(notices[0]!.includes("7.0 GiB are free (nvidia-smi)"), notices[0]);
  assert(notices[1]!.includes("8.0 GiB are available"), notices[1]);
  assertEquals(notices[2], "Speeds could not be measured: no room");
});

Deno.test("obstacleOf names the buffer that is too large", () => {
  assertEquals(obstacleOf(2 * GIB, { embedding: GIB, experts: 2 * GIB }), null);
  const embedding = obstacleOf(GIB / 8, { embedding: GIB / 4, experts: 0 });
  assert(embedding!.startsWith("the embedding takes a buffer of 256.0 MiB"));
  const experts = obstacleOf(2 * GIB, { embedding: GIB, experts: 3 * GIB });
  assert(experts!.includes("take a buffer of 3.0 GiB"), experts!);
});
