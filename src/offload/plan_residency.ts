/** Who decides which experts come and go while decoding. */

import type { StorePart } from "./plan_stores.ts";

/**
 * Who decides, for one token, which experts come and go: the GPU by itself, or
 * the host, which reads back what the router of each layer chose. Many tokens at
 * once are always decided by the host.
 */
export type ResidencyMode = "gpu" | "cpu";

/** The same, or what is possible. */
export type ResidencyWish = "auto" | ResidencyMode;

/** All wishes. */
export const RESIDENCY_WISHES: readonly ResidencyWish[] = [
  "auto",
  "gpu",
  "cpu",
];

/** Storage buffers of the kernel that routes and decides: it binds the most. */
export const ROUTER_STORAGE_BUFFER_COUNT = 10;

/** What {@linkcode planResidency} is given. */
export interface ResidencyOptions {
  /** Who the user wants to decide. */
  wish: ResidencyWish;
  /** The stores in use. */
  stores: readonly StorePart[];
  /** Layers whose experts are not all on the GPU. */
  offloadedLayerCount: number;
  /** How many storage buffers the adapter binds at once. */
  maxStorageBuffersPerShaderStage: number;
}

/** Who decides, and why. */
export interface ResidencyPlan {
  /** Who decides. */
  residency: ResidencyMode;
  /** A sentence for the choice. */
  reasons: string[];
}

/**
 * Decides who decides. The GPU can where kernels reach every expert by
 * themselves, which is in pinned memory only, and where its router may bind all
 * that it decides with.
 *
 * @param options The user's wish, and what there is.
 * @returns Who decides; the GPU if there is nothing to decide.
 * @throws {RangeError} If the GPU is wanted and cannot.
 */
export function planResidency(options: ResidencyOptions): ResidencyPlan {
  const { wish, offloadedLayerCount } = options;
  if (offloadedLayerCount === 0) return { residency: "gpu", reasons: [] };
  if (wish === "cpu") return byHost("as asked for");
  const obstacle = obstacleOf(options);
  if (obstacle === null) {
    return byGpu(
      wish === "gpu"
        ? "as asked for"
        : "since all experts off the GPU are pinned",
    );
  }
  if (wish === "auto") return byHost(`since ${obstacle.state}`);
  throw new RangeError(
    `Cannot plan: ${obstacle.state}, wanted ${obstacle.wanted} for residency gpu; ${obstacle.wayOut}`,
  );
}

/**
 * Who decides once the stores are there: the system may have pinned less than
 * was planned, and the host decides over what is left.
 *
 * @param plan Who was to decide, over which stores.
 * @param buffers What was pinned.
 * @returns Who decides.
 */
export function grantedResidency(
  { residency, stores }: {
    readonly residency: ResidencyMode;
    readonly stores: readonly StorePart[];
  },
  buffers: readonly { readonly size: number }[],
): ResidencyMode {
  const pinned = buffers.reduce((sum, { size }) => sum + size, 0);
  const planned = stores.reduce((sum, part) => sum + part.ramByteLength, 0);
  return pinned < planned ? "cpu" : residency;
}

/** What keeps the GPU from deciding, as parts of a sentence. */
interface Obstacle {
  readonly state: string;
  readonly wanted: string;
  readonly wayOut: string;
}

function obstacleOf(
  { stores, maxStorageBuffersPerShaderStage: most }: ResidencyOptions,
): Obstacle | null {
  const elsewhere = stores
    .filter(({ kind }) => kind !== "pinned")
    .reduce((sum, { expertCount }) => sum + expertCount, 0);
  if (elsewhere > 0) {
    return {
      state: elsewhere === 1
        ? "1 expert off the GPU is not pinned"
        : `${elsewhere} experts off the GPU are not pinned`,
      wanted: "all",
      wayOut: "use store pinned, or residency auto or cpu",
    };
  }
  if (most < ROUTER_STORAGE_BUFFER_COUNT) {
    return {
      state: `the adapter binds ${most} storage buffers at once`,
      wanted: `at least ${ROUTER_STORAGE_BUFFER_COUNT}`,
      wayOut: "use residency auto or cpu",
    };
  }
  return null;
}

function byGpu(why: string): ResidencyPlan {
  return {
    residency: "gpu",
    reasons: [`Residency: decided on the GPU, ${why}`],
  };
}

function byHost(why: string): ResidencyPlan {
  return {
    residency: "cpu",
    reasons: [`Residency: decided by the host, ${why}`],
  };
}
