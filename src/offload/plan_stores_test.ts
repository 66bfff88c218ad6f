import { assertEquals } from "@std/assert";
import { planStores, type StoresOptions } from "./plan_stores.ts";

const OPTIONS: StoresOptions = {
  expertByteLength: 10,
  store: "auto",
  ramByteLength: undefined,
  pinnedByteLength: Infinity,
  readBufferCount: 4,
};

/** Kind, experts, experts in RAM. */
function parts(options: Partial<StoresOptions>): [string, number, number][] {
  return planStores(32, { ...OPTIONS, ...options }).stores
    .map((part) => [part.kind, part.expertCount, part.ramExpertCount]);
}

Deno.test("planStores() fills pinned memory, then array buffers, then disk", () => {
  assertEquals(parts({}), [["pinned", 32, 32]]);
  assertEquals(parts({ pinnedByteLength: 0 }), [["array-buffer", 32, 32]]);
  assertEquals(parts({ pinnedByteLength: 99 }), [
    ["pinned", 9, 9],
    ["array-buffer", 23, 23],
  ]);
  assertEquals(parts({ pinnedByteLength: 99, ramByteLength: 200 }), [
    ["pinned", 9, 9],
    ["array-buffer", 7, 7],
    ["disk", 16, 4],
  ]);
  assertEquals(parts({ ramByteLength: 200 }), [
    ["pinned", 16, 16],
    ["disk", 16, 4],
  ]);
  assertEquals(parts({ ramByteLength: 320 }), [["pinned", 32, 32]]);
  assertEquals(parts({ ramByteLength: 25 }), [["disk", 32, 2]]);
});

Deno.test("planStores() takes the store that is asked for", () => {
  assertEquals(parts({ store: "array-buffer" }), [["array-buffer", 32, 32]]);
  assertEquals(parts({ store: "pinned", ramByteLength: 320 }), [
    ["pinned", 32, 32],
  ]);
  assertEquals(parts({ store: "disk" }), [["disk", 32, 4]]);
  assertEquals(parts({ store: "disk", ramByteLength: 105 }), [[
    "disk",
    32,
    10,
  ]]);
  assertEquals(parts({ store: "disk", ramByteLength: 9999 }), [
    ["disk", 32, 32],
  ]);
});

Deno.test("planStores() gives a reason for each store", () => {
  const { reasons } = planStores(32, {
    ...OPTIONS,
    store: "disk",
    ramByteLength: 10,
  });
  assertEquals(reasons, [
    "Store: disk, as asked for",
    "RAM cache over the disk: 1 expert, what the RAM budget holds",
  ]);
});
