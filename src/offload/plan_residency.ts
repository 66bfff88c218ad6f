import type { StorePart } from "./plan_stores.ts";

/** Who decides which experts come and go while tokens are generated. */
export type ResidencyMode = "gpu" | "cpu";

/** What may be wished for. */
export type ResidencyWish = ResidencyMode | "auto";

/** All wishes. */
export const RESIDENCY_WISHES: readonly ResidencyWish[] = [
  "auto",
  "gpu",
  "cpu",
];

/** Storage buffers that a router binds which decides: `kernels/route.wgsl`. */
export const ROUTER_BUFFER_COUNT = 10;

/** What {@linkcode planResidency} is given. */
export interface ResidencyOptions {
  /** What the user wants. */
  readonly wish: ResidencyWish;
  /** The stores in use; none if every expert has a slot of its own. */
  readonly stores: readonly StorePart[];
  /** The adapter's limit of that name. */
  readonly maxStorageBuffersPerShaderStage: number;
}

/**
 * Decides who decides. The GPU is faster, as it waits for nobody, but it reaches
 * pinned experts only.
 *
 * @param options The wish, and what there is.
 * @returns Who decides, and a sentence that says why.
 * @throws {RangeError} If the GPU is wished for and cannot.
 */
export function planResidency(
  { wish, stores, maxStorageBuffersPerShaderStage: limit }: ResidencyOptions,
): { residency: ResidencyMode; reasons: string[] } {
  if (stores.length === 0) return { residency: "gpu", reasons: [] };
  if (wish === "cpu") {
    const reason = "Residency: decided on the CPU, as asked for";
    return { residency: "cpu", reasons: [reason] };
  }
  const isPinned = stores.every(({ kind }) => kind === "pinned");
  if (isPinned && limit >= ROUTER_BUFFER_COUNT) {
    const reason =
      "Residency: decided on the GPU, which reads every expert by itself";
    return { residency: "gpu", reasons: [reason] };
  }
  const why = isPinned
    ? `the adapter binds ${limit} storage buffers in a kernel, and the GPU would need ${ROUTER_BUFFER_COUNT}`
    : `experts are in the store ${
      stores.map(({ kind }) => kind).join(" and ")
    }, and the GPU reaches pinned ones only`;
  if (wish === "gpu") {
    throw new RangeError(
      `Cannot plan: residency is to be decided on the GPU but ${why}; use ${
        isPinned ? "residency auto" : "store pinned, or residency auto"
      }`,
    );
  }
  const reason = `Residency: decided on the CPU, since ${why}`;
  return { residency: "cpu", reasons: [reason] };
}
