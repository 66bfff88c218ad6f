/** A kernel with its buffers, ready to be dispatched. */

import type { Gpu } from "../gpu/device.ts";
import type { Cost, Encodable } from "../gpu/encodable.ts";
import type { Constants, KernelSource } from "../gpu/kernel.ts";
import reduceNone from "../../kernels/lib/reduce_none.wgsl" with {
  type: "text",
};
import reduceSubgroup from "../../kernels/lib/reduce_subgroup.wgsl" with {
  type: "text",
};
import reduceSubgroups from "../../kernels/lib/reduce_subgroups.wgsl" with {
  type: "text",
};
import reduceWorkgroup from "../../kernels/lib/reduce_workgroup.wgsl" with {
  type: "text",
};

import { padded } from "./padded.ts";

/** Something that runs on the GPU, made at load and dispatched per step. */
export type Op = Encodable;

/** Rows of activations on the GPU: float32, each row padded with zeros. */
export interface Rows {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** Floats from one row to the next, a multiple of 4. */
  readonly stride: number;
}

/** A buffer to bind, or a part of one. */
export type Bound = GPUBuffer | GPUBufferBinding;

/**
 * Says how WebGPU is to bind it.
 *
 * @param bound The buffer, or a part of one.
 * @returns The resource of a bind group's entry.
 */
export function resourceOf(bound: Bound): GPUBufferBinding {
  return "buffer" in bound ? bound : { buffer: bound };
}

/** What {@linkcode kernelOp} needs. */
export interface KernelOpOptions {
  /** The WGSL files, the one with the entry point last. */
  readonly sources: readonly KernelSource[];
  /** Values for the `override` declarations. */
  readonly constants: Constants;
  /** Buffers by binding number. */
  readonly bindings: Readonly<Record<number, Bound>>;
  /** How many workgroups a step of `tokenCount` tokens takes, in x, y and z. */
  readonly workgroups: (
    tokenCount: number,
  ) => readonly [x: number, y?: number, z?: number];
  /**
   * What a step takes, for profiles.
   *
   * @default {undefined} nobody knows
   */
  readonly cost?: ((tokenCount: number, position?: number) => Cost) | undefined;
}

/**
 * Makes an {@linkcode Op} of one dispatch.
 *
 * @param gpu The GPU.
 * @param options The kernel, its constants and its buffers.
 * @returns The op.
 * @throws {SyntaxError} If the kernel does not compile.
 */
export async function kernelOp(
  gpu: Gpu,
  options: KernelOpOptions,
): Promise<Op> {
  const { sources, constants, bindings, workgroups, cost } = options;
  const name = sources.at(-1)!.name.replace(".wgsl", "");
  const pipeline = await gpu.kernels.get(sources, constants);
  const bindGroup = gpu.device.createBindGroup({
    label: name,
    layout: pipeline.getBindGroupLayout(0),
    entries: Object.entries(bindings).map(([binding, bound]) => ({
      binding: Number(binding),
      resource: resourceOf(bound),
    })),
  });
  return {
    name,
    encode(pass, tokenCount) {
      const [x, y, z] = workgroups(tokenCount);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y, z);
    },
    ...cost && { cost },
  };
}

/**
 * Says what an op is in a model. Parts of it may say it better.
 *
 * @param role What profiles call it.
 * @param op The op.
 * @returns The op.
 */
export function withRole(role: string, op: Op): Op {
  return { ...op, role };
}

/**
 * Makes an op that takes one way for one token and another for more.
 *
 * @param one For one token: decode.
 * @param many For more: prefill.
 * @returns The op.
 */
export function byTokenCount(one: Op, many: Op): Op {
  return choice(one.name, (tokenCount) => tokenCount === 1 ? one : many);
}

/**
 * Makes an op that takes one of several ways.
 *
 * @param name What it computes.
 * @param opFor Which op a step takes, by its tokens and where the first stands.
 * @returns The op.
 */
export function choice(
  name: string,
  opFor: (tokenCount: number, position?: number) => Op,
): Op {
  return {
    name,
    encode(pass, tokenCount, position) {
      opFor(tokenCount, position).encode(pass, tokenCount, position);
    },
    parts: (tokenCount, position) => [opFor(tokenCount, position)],
  };
}

/**
 * Makes an op of several, in order.
 *
 * @param name What it computes.
 * @param ops The ops.
 * @returns The op.
 */
export function sequence(name: string, ops: readonly Op[]): Op {
  return {
    name,
    encode(pass, tokenCount, position) {
      for (const op of ops) op.encode(pass, tokenCount, position);
    },
    parts: () => ops,
  };
}

/**
 * Makes an op that is for many tokens only.
 *
 * @param op The op.
 * @returns The op, which does nothing for a single token.
 */
export function forMany(op: Op): Op {
  return byTokenCount(sequence(op.name, []), op);
}

/**
 * Spreads workgroups over x and y: a dimension holds at most 65,535.
 *
 * @param count How many workgroups; a few more may run.
 * @param z How many of these.
 * @returns Workgroups in x, y and z.
 */
export function spread(
  count: number,
  z: number,
): readonly [number, number, number] {
  const y = Math.ceil(count / 65_535);
  return [Math.ceil(count / y), y, z];
}

/** For kernels that read weights but do not sum over their workgroup. */
export const NO_REDUCTION: KernelSource = {
  name: "lib/reduce_none.wgsl",
  code: reduceNone,
};

/** How a kernel sums over its workgroup. */
export interface Reduction {
  /** Defines `reduce_sum`, `reduce_sum4` and `reduce_max`. */
  readonly source: KernelSource;
  /** WG, the invocations of the workgroup, and what the source needs. */
  readonly constants: { readonly WG: number; readonly SUBGROUP?: number };
}

/**
 * Picks how a kernel sums over its workgroup: within one subgroup where that is
 * enough, over several of them, or through shared memory where the GPU has no
 * subgroups of one known size.
 *
 * @param gpu The GPU.
 * @param width How many invocations can be kept busy.
 * @returns The source and the workgroup size.
 */
export function reduction(gpu: Gpu, width: number): Reduction {
  const { subgroupSize: SUBGROUP } = gpu;
  const WG = Math.min(
    sumLimit(gpu),
    Math.max(32, 2 ** Math.floor(Math.log2(width))),
  );
  if (SUBGROUP === 0) {
    return {
      source: { name: "lib/reduce_workgroup.wgsl", code: reduceWorkgroup },
      constants: { WG },
    };
  }
  // On the CPU a workgroup is a loop over subgroups: one is as wide as it gets.
  if (!gpu.hasWideWorkgroups || WG <= SUBGROUP) {
    return {
      source: { name: "lib/reduce_subgroup.wgsl", code: reduceSubgroup },
      constants: { WG: SUBGROUP },
    };
  }
  return {
    source: { name: "lib/reduce_subgroups.wgsl", code: reduceSubgroups },
    constants: { WG, SUBGROUP },
  };
}

/** The most invocations that sum together. */
function sumLimit({ subgroupSize, tuning, device: { limits } }: Gpu): number {
  // Partial sums have room for 256 invocations, or for 64 subgroups.
  const room = subgroupSize === 0 ? 256 : 64 * subgroupSize;
  return Math.min(
    tuning.sumInvocations,
    room,
    limits.maxComputeInvocationsPerWorkgroup,
    limits.maxComputeWorkgroupSizeX,
  );
}

/**
 * Makes rows of activations, all zero.
 *
 * @param gpu The GPU.
 * @param label What errors call them.
 * @param shape How many rows, and how many floats each holds.
 * @returns The rows.
 */
export function makeRows(
  gpu: Gpu,
  label: string,
  [rowCount, width]: readonly [number, number],
): Rows {
  const stride = padded(width);
  return { buffer: gpu.storageBuffer(label, rowCount * stride * 4), stride };
}
