import { assertEquals, assertThrows } from "@std/assert";
import {
  grantedResidency,
  planResidency,
  RESIDENCY_WISHES,
  type ResidencyOptions,
  ROUTER_STORAGE_BUFFER_COUNT,
} from "./plan_residency.ts";
import type { StoreKind, StorePart } from "./plan_stores.ts";

/** A part whose experts take 10 bytes each. */
function part(kind: StoreKind, expertCount: number): StorePart {
  const ramByteLength = 10 * expertCount;
  return { kind, expertCount, ramExpertCount: expertCount, ramByteLength };
}

const OPTIONS: ResidencyOptions = {
  wish: "auto",
  stores: [part("pinned", 32)],
  offloadedLayerCount: 4,
  maxStorageBuffersPerShaderStage: ROUTER_STORAGE_BUFFER_COUNT,
};
const FEW_BUFFERS = {
  maxStorageBuffersPerShaderStage: ROUTER_STORAGE_BUFFER_COUNT - 1,
};

function plan(options: Partial<ResidencyOptions>) {
  return planResidency({ ...OPTIONS, ...options });
}

Deno.test("planResidency() lets the GPU decide where all experts are pinned", () => {
  assertEquals(plan({}), {
    residency: "gpu",
    reasons: [
      "Residency: decided on the GPU, since all experts off the GPU are pinned",
    ],
  });
});

Deno.test("planResidency() lets the host decide where the GPU cannot", () => {
  const cases: [Partial<ResidencyOptions>, string][] = [
    [
      { stores: [part("pinned", 31), part("disk", 1)] },
      "1 expert off the GPU is not pinned",
    ],
    [
      {
        stores: [part("pinned", 9), part("array-buffer", 7), part("disk", 16)],
      },
      "23 experts off the GPU are not pinned",
    ],
    [FEW_BUFFERS, "the adapter binds 9 storage buffers at once"],
  ];
  for (const [options, why] of cases) {
    assertEquals(plan(options), {
      residency: "cpu",
      reasons: [`Residency: decided by the host, since ${why}`],
    });
  }
});

Deno.test("planResidency() does what is asked for", () => {
  assertEquals(plan({ wish: "gpu" }), {
    residency: "gpu",
    reasons: ["Residency: decided on the GPU, as asked for"],
  });
  for (const stores of [OPTIONS.stores, [part("disk", 32)]]) {
    assertEquals(plan({ wish: "cpu", stores }), {
      residency: "cpu",
      reasons: ["Residency: decided by the host, as asked for"],
    });
  }
});

Deno.test("planResidency() refuses what is asked for with a way out", () => {
  const cases: [Partial<ResidencyOptions>, string][] = [
    [
      { stores: [part("pinned", 16), part("array-buffer", 16)] },
      "Cannot plan: 16 experts off the GPU are not pinned, wanted all for residency gpu; use store pinned, or residency auto or cpu",
    ],
    [
      FEW_BUFFERS,
      "Cannot plan: the adapter binds 9 storage buffers at once, wanted at least 10 for residency gpu; use residency auto or cpu",
    ],
  ];
  for (const [options, message] of cases) {
    const error = assertThrows(
      () => plan({ ...options, wish: "gpu" }),
      RangeError,
    );
    assertEquals(error.message, message);
  }
});

Deno.test("planResidency() says nothing where there is nothing to decide", () => {
  const none = { ...FEW_BUFFERS, stores: [], offloadedLayerCount: 0 };
  for (const wish of RESIDENCY_WISHES) {
    const { residency, reasons } = plan({ ...none, wish });
    assertEquals([residency, reasons], ["gpu", []], wish);
  }
});

Deno.test("grantedResidency() is the host's once less is pinned than planned", () => {
  const stores = [part("pinned", 32)];
  const granted = (...sizes: number[]) =>
    grantedResidency(
      { residency: "gpu", stores },
      sizes.map((size) => ({ size })),
    );
  assertEquals(granted(320), "gpu");
  assertEquals(granted(160, 160), "gpu");
  assertEquals([granted(), granted(160, 150)], ["cpu", "cpu"]);
  assertEquals(
    grantedResidency({ residency: "cpu", stores }, [{ size: 320 }]),
    "cpu",
  );
});
