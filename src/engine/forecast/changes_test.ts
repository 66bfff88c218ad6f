import { assert, assertEquals } from "@std/assert";
import { planPlacement } from "../../offload/placement.ts";
import { DEFAULT_VRAM_BYTE_LENGTH } from "../../offload/plan_slots.ts";
import type { LoadOptions } from "../load_options.ts";
import { type ChangesInput, changesOf } from "./changes.ts";

const GIB = 2 ** 30;

/** About Mixtral-8x7B with 2-bit experts. */
const SIZES = {
  layerCount: 32,
  expertCount: 8,
  topK: 2,
  expertByteLength: 66.75e6,
  trunkByteLength: 1.2 * GIB,
  kvByteLength: GIB,
  scratchByteLength: 0.2 * GIB,
};

const ADAPTER = {
  maxBufferSize: 4 * GIB,
  maxStorageBufferBindingSize: 2 * GIB,
  maxStorageBuffersPerShaderStage: 32,
  pinnedByteLength: Infinity,
};

function flagsOf(options: LoadOptions, more: Partial<ChangesInput> = {}) {
  const plan = more.plan ??
    planPlacement(SIZES, { ...options, adapter: ADAPTER });
  const changes = changesOf({
    options,
    plan,
    expertCount: 8,
    bits: { attn: 4, experts: 2 },
    contextLength: 4096,
    chunkSize: 512,
    vramOf: (slots) => (2.6 + 2 * slots) * GIB,
    vramLimit: null,
    ramLimit: null,
    ...more,
  });
  for (const { options } of changes) assert(Object.keys(options).length > 0);
  const flags = changes.map(({ flags }) => flags);
  assertEquals(new Set(flags).size, flags.length, flags.join());
  return flags;
}

Deno.test("changesOf offers room for one more expert in each layer, up to all", () => {
  const flags = flagsOf({});
  assertEquals(
    flags.filter((flag) => flag.startsWith("--vram")),
    ["8.6", "10.6", "12.6", "14.6", "16.6", "18.6"]
      .map((size) => `--vram ${size}GiB`),
  );
  for (
    const flag of ["--context 2048", "--chunk-size 128", "--buffer-size 2"]
  ) {
    assert(flags.includes(flag), flag);
  }
  assert(
    !flags.some((flag) => /bits|store|ram /.test(flag.replace("vram", ""))),
  );
});

Deno.test("changesOf offers no more VRAM than there is", () => {
  const flags = flagsOf({}, { vramLimit: 11 * GIB });
  assertEquals(
    flags.filter((flag) => flag.startsWith("--vram")),
    ["--vram 8.6GiB", "--vram 10.6GiB"],
  );
});

Deno.test("changesOf offers slots where slots are asked for, and no room", () => {
  const flags = flagsOf({ slots: 6 });
  assertEquals(flags, ["--slots 7", "--slots 8"]);
  assertEquals(
    flagsOf({ slots: 6, vramByteLength: 15 * GIB }),
    ["--slots 7 --vram 16.6GiB", "--slots 8 --vram 18.6GiB"],
  );
});

Deno.test("changesOf offers fewer bits than there are", () => {
  const flags = flagsOf({}, { bits: { attn: 16, experts: 4 } });
  assertEquals(
    flags.filter((flag) => flag.includes("bits")),
    ["--expert-bits 3", "--expert-bits 2", "--attn-bits 8", "--attn-bits 4"],
  );
});

Deno.test("changesOf offers the GPU's own way where it is not taken", () => {
  assert(flagsOf({ residency: "cpu" }).includes("--residency auto"));
  assert(flagsOf({ store: "array-buffer" }).includes("--store auto"));
  const ramByteLength = 8 * GIB;
  assert(flagsOf({ ramByteLength }).includes("--ram 16.0GiB"));
  assert(
    flagsOf({ ramByteLength, store: "disk" })
      .includes("--store auto --ram 16.0GiB"),
  );
  // More than the machine has.
  const poor = flagsOf({ ramByteLength }, { ramLimit: 12 * GIB });
  assert(!poor.some((flag) => flag.startsWith("--ram")));
});

Deno.test("changesOf has nothing for a model that is on the GPU", () => {
  assertEquals(flagsOf({ slots: 8 }), []);
  assertEquals(flagsOf({ vramByteLength: 3 * DEFAULT_VRAM_BYTE_LENGTH }), []);
});

Deno.test("changesOf names a budget once, and small ones in MiB", () => {
  const same = flagsOf({}, { vramOf: (slots) => 8 * GIB + slots });
  assertEquals(same.filter((flag) => /vram/.test(flag)), ["--vram 8.1GiB"]);
  const options = { vramByteLength: 20e6 };
  const plan = planPlacement({
    ...SIZES,
    expertByteLength: 1e5,
    trunkByteLength: 1e6,
    kvByteLength: 1e6,
    scratchByteLength: 1e6,
  }, { ...options, adapter: ADAPTER });
  const small = flagsOf(options, { plan, vramOf: () => 29e6 });
  assertEquals(small.filter((flag) => /vram/.test(flag)), ["--vram 28MiB"]);
});
