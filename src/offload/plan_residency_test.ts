import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { planResidency, ROUTER_BUFFER_COUNT } from "./plan_residency.ts";
import type { StoreKind } from "./plan_stores.ts";

function plan(
  wish: "auto" | "gpu" | "cpu",
  kinds: readonly StoreKind[],
  maxStorageBuffersPerShaderStage = ROUTER_BUFFER_COUNT,
) {
  const part = { expertCount: 4, ramExpertCount: 4, ramByteLength: 64 };
  const stores = kinds.map((kind) => ({ kind, ...part }));
  const options = { wish, stores, maxStorageBuffersPerShaderStage };
  const { residency, reasons } = planResidency(options);
  return [residency, ...reasons];
}

Deno.test("planResidency() lets the GPU decide where all experts are pinned", () => {
  assertEquals(plan("auto", ["pinned"]), [
    "gpu",
    "Residency: decided on the GPU, which reads every expert by itself",
  ]);
  assertEquals(plan("gpu", ["pinned"])[0], "gpu");
  assertEquals(plan("cpu", ["pinned"]), [
    "cpu",
    "Residency: decided on the CPU, as asked for",
  ]);
});

Deno.test("planResidency() says why the CPU decides", () => {
  const [residency, reason] = plan("auto", ["pinned", "array-buffer"]);
  assertEquals(residency, "cpu");
  assertMatch(reason!, /in the store pinned and array-buffer, and the GPU/);
  const few = plan("auto", ["pinned"], 8);
  assertEquals(few[0], "cpu");
  assertMatch(few[1]!, /binds 8 storage buffers .* would need 10/);
});

Deno.test("planResidency() refuses what cannot be", () => {
  assertThrows(
    () => plan("gpu", ["disk"]),
    RangeError,
    "Cannot plan: residency is to be decided on the GPU but experts are in the store disk, and the GPU reaches pinned ones only; use store pinned, or residency auto",
  );
  assertThrows(
    () => plan("gpu", ["pinned"], 9),
    RangeError,
    "use residency auto",
  );
});

Deno.test("planResidency() has nothing to say where nothing is offloaded", () => {
  for (const wish of ["auto", "gpu", "cpu"] as const) {
    assertEquals(plan(wish, [], 8), ["gpu"]);
  }
});
