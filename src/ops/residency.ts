/** What a router needs to decide which experts are brought in. */

import type { Gpu } from "../gpu/device.ts";
import type { Constants, KernelSource } from "../gpu/kernel.ts";
import residencyCode from "../../kernels/lib/residency.wgsl" with {
  type: "text",
};
import stageGuess from "../../kernels/lib/stage_guess.wgsl" with {
  type: "text",
};
import stageNothing from "../../kernels/lib/stage_nothing.wgsl" with {
  type: "text",
};
import type { Bound } from "./op.ts";

/** How kernels call the eviction policies of `src/offload/eviction.ts`. */
const POLICY = { "lru": 0, "lfu": 1, "class-lru": 2 } as const;

/** Which experts of each layer are in a slot, on the GPU. */
export interface Residency {
  /**
   * The block of each layer, one after the other, u32; zeros let the host decide:
   * `src/offload/residency_block.ts` says what is in it.
   */
  readonly blocks: GPUBuffer;
  /** Bytes of a block. */
  readonly blockByteLength: number;
  /**
   * What the latest router decided: (topK) vec4u of rank, slot, expert and 0 if it
   * is there, else 1 more than how many of its vec4s are staged, these first. Two
   * more follow: what is staged, and at how many guesses to look ({@linkcode stageWords}).
   */
  readonly uses: GPUBuffer;
  /** What old uses count, u32: (halfLife) */
  readonly decayFactors: GPUBuffer;
  /** How many steps halve a use. */
  readonly halfLife: number;
  /** Whom a router evicts. */
  readonly policy: keyof typeof POLICY;
}

/** Options for {@linkcode makeResidency}. */
export interface ResidencyOptions {
  /** Layers of the model. */
  readonly layerCount: number;
  /** Experts of a token. */
  readonly topK: number;
  /** Words of a block, a multiple of 64: `residencyLayout().wordCount`. */
  readonly wordCount: number;
  /** Whom to evict. */
  readonly policy: keyof typeof POLICY;
  /** What old uses count: `decayFactors()` of the policy's half-life. */
  readonly decayFactors: Uint32Array<ArrayBuffer>;
}

/**
 * Makes the buffers of a model's residency. Every block is zero: the host decides.
 *
 * @param gpu The GPU.
 * @param options The model's numbers and the policy.
 * @returns The residency.
 */
export function makeResidency(
  gpu: Gpu,
  { layerCount, topK, wordCount, policy, decayFactors }: ResidencyOptions,
): Residency {
  const blockByteLength = wordCount * 4;
  const factors = gpu.storageBuffer("decay factors", decayFactors.byteLength);
  gpu.upload(
    factors,
    new Uint8Array(
      decayFactors.buffer,
      decayFactors.byteOffset,
      decayFactors.byteLength,
    ),
  );
  return {
    blocks: gpu.storageBuffer("residency", layerCount * blockByteLength),
    blockByteLength,
    uses: gpu.storageBuffer("expert uses", (topK + 2) * 16),
    decayFactors: factors,
    halfLife: decayFactors.length,
    policy,
  };
}

/**
 * Binds the block of a layer, and maybe those that follow.
 *
 * @param residency The residency.
 * @param layer The layer.
 * @param count How many blocks.
 * @returns The part of `residency.blocks`.
 */
function boundBlock(
  { blocks, blockByteLength }: Residency,
  layer: number,
  count = 1,
): GPUBufferBinding {
  return {
    buffer: blocks,
    offset: layer * blockByteLength,
    size: count * blockByteLength,
  };
}

/** How many vec4s of a guessed expert are staged for the next layer. */
export interface StagedCounts {
  /** In any case. */
  readonly least: number;
  /** If this layer misses nothing; 0 if nothing is ever staged for the next one. */
  readonly most: number;
}

/**
 * Says what the host writes after the uses in `Residency.uses` when a run of tokens
 * begins: nothing is staged yet.
 *
 * @param guessCount At how many guesses routers look for an expert to stage; 0 if
 * they are to stage nothing.
 * @returns The words.
 */
export function stageWords(guessCount: number): Uint32Array<ArrayBuffer> {
  // Must be kept in sync with kernels/lib/stage_guess.wgsl.
  return Uint32Array.of(0xffffffff, 0, 0, 0, guessCount, 0, 0, 0);
}

/** Whom a router tells what it chose: `lib/tell_*.wgsl`, `lib/residency.wgsl`. */
export interface Telling {
  /** The files that define `prepare` and `tell`. */
  readonly sources: readonly KernelSource[];
  /** Its constants. */
  readonly constants: Constants;
  /** Its bindings. */
  readonly bindings: Readonly<Record<number, Bound>>;
}

/**
 * Makes a router decide for a layer.
 *
 * @param residency The residency.
 * @param layer The layer.
 * @param staged What it stages for the next layer; `null` if no router of the model
 * stages anything.
 * @returns What the router's kernel needs.
 */
export function deciding(
  residency: Residency,
  layer: number,
  staged: StagedCounts | null,
): Telling {
  return {
    sources: [
      staged === null
        ? { name: "lib/stage_nothing.wgsl", code: stageNothing }
        : { name: "lib/stage_guess.wgsl", code: stageGuess },
      { name: "lib/residency.wgsl", code: residencyCode },
    ],
    constants: {
      POLICY: POLICY[residency.policy],
      HALF_LIFE: residency.halfLife,
      ...(staged !== null && {
        BLOCK_WORDS: residency.blockByteLength / 4,
        STAGED_LEAST: staged.least,
        STAGED_MOST: staged.most,
      }),
    },
    bindings: {
      5: boundBlock(
        residency,
        layer,
        staged !== null && staged.most > 0 ? 2 : 1,
      ),
      8: residency.uses,
      10: residency.decayFactors,
    },
  };
}
