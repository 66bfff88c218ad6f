/** Experts from host memory to slots, by a kernel. */

import type { Gpu } from "../gpu/device.ts";
import type { KernelSource } from "../gpu/kernel.ts";
import copyCode from "../../kernels/copy.wgsl" with { type: "text" };
import bringCode from "../../kernels/lib/bring.wgsl" with { type: "text" };
import { type Bound, type Op, resourceOf } from "./op.ts";

/** Bytes of a uniform binding's step: WebGPU's default alignment. */
const UNIFORM_STEP = 256;
/** Workgroups that bring vec4s: 16 fill a PCIe 5 link, more do no harm. */
export const BRING_WORKGROUPS = 64;

/** Moves vec4s over the bus, for kernels that say from where to where. */
export const BRING: KernelSource = {
  name: "lib/bring.wgsl",
  code: bringCode,
};

/** A copy of a piece of an expert, or of all from it on. */
export interface Copy {
  /** Which expert of the source. */
  readonly expert: number;
  /** From which of its pieces on. */
  readonly piece: number;
  /** Whether that piece alone or all that follow too. */
  readonly toEnd: boolean;
}

/** How experts lie in the buffers that are copied from. */
export interface CopierOptions {
  /** Bytes of an expert, a multiple of 16. */
  readonly expertByteLength: number;
  /** The most experts of a source buffer, one after the other. */
  readonly expertLimit: number;
  /** Bytes of a piece, a multiple of 16. */
  readonly pieceByteLength: number;
}

/**
 * Copies experts, whole or in pieces that fit beside an op. Everything is made
 * at load: the numbers of each piece lie in one uniform buffer, and a dispatch
 * picks them by its dynamic offset.
 */
export class ExpertCopier {
  readonly #gpu: Gpu;
  readonly #options: CopierOptions;
  readonly #pipeline: GPUComputePipeline;
  readonly #layout: GPUBindGroupLayout;
  readonly #pieces: GPUBuffer;
  readonly #offset = new Uint32Array(1);
  /** How many pieces an expert has. */
  readonly pieceCount: number;

  private constructor(gpu: Gpu, options: CopierOptions, made: {
    pipeline: GPUComputePipeline;
    layout: GPUBindGroupLayout;
  }) {
    this.#gpu = gpu;
    this.#options = options;
    this.#pipeline = made.pipeline;
    this.#layout = made.layout;
    this.pieceCount = Math.ceil(
      options.expertByteLength / options.pieceByteLength,
    );
    const table = pieceTable(options);
    this.#pieces = gpu.memory.allocate({
      label: "pieces of experts",
      size: table.byteLength,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    gpu.upload(this.#pieces, table);
  }

  /**
   * Makes a copier.
   *
   * @param gpu The GPU.
   * @param options How experts lie in the source buffers.
   * @returns The copier.
   */
  static async create(
    gpu: Gpu,
    options: CopierOptions,
  ): Promise<ExpertCopier> {
    const visibility = GPUShaderStage.COMPUTE;
    // Only an explicit layout can have a dynamic offset.
    const layout = gpu.device.createBindGroupLayout({
      label: "copy",
      entries: [
        { binding: 0, visibility, buffer: { type: "read-only-storage" } },
        { binding: 1, visibility, buffer: { type: "storage" } },
        {
          binding: 2,
          visibility,
          buffer: { type: "uniform", hasDynamicOffset: true },
        },
      ],
    });
    const source = { name: "copy.wgsl", code: copyCode };
    const pipeline = await gpu.kernels.get([BRING, source], {}, layout);
    return new ExpertCopier(gpu, options, { pipeline, layout });
  }

  /**
   * Binds what is copied from and to.
   *
   * @param source The experts, one after the other.
   * @param slot The slot, in another buffer.
   * @returns What {@linkcode ExpertCopier.encode} wants.
   */
  bind(source: Bound, slot: Bound): GPUBindGroup {
    return this.#gpu.device.createBindGroup({
      label: "copy",
      layout: this.#layout,
      entries: [
        { binding: 0, resource: resourceOf(source) },
        { binding: 1, resource: resourceOf(slot) },
        { binding: 2, resource: { buffer: this.#pieces, size: 16 } },
      ],
    });
  }

  /**
   * Records the copy of a piece of an expert, or of all from it on.
   *
   * @param pass The compute pass.
   * @param bound From {@linkcode ExpertCopier.bind}.
   * @param what What to copy.
   */
  encode(
    pass: GPUComputePassEncoder,
    bound: GPUBindGroup,
    what: Copy,
  ): void {
    const row = (what.expert * this.pieceCount + what.piece) * 2 +
      Number(what.toEnd);
    this.#offset[0] = row * UNIFORM_STEP;
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, bound, this.#offset, 0, 1);
    pass.dispatchWorkgroups(BRING_WORKGROUPS);
  }

  /**
   * Makes such a copy an op.
   *
   * @param bound From {@linkcode ExpertCopier.bind}.
   * @param what What to copy.
   * @param options What profiles call it, and whether it comes over the link.
   * @returns The op, to be recorded once.
   */
  op(
    bound: GPUBindGroup,
    what: Copy,
    { role, isLink }: { readonly role: string; readonly isLink: boolean },
  ): Op {
    return {
      name: "copy",
      role,
      encode: (pass) => this.encode(pass, bound, what),
      cost: () => {
        const { expertByteLength, pieceByteLength } = this.#options;
        const rest = expertByteLength - what.piece * pieceByteLength;
        const bytes = what.toEnd ? rest : Math.min(rest, pieceByteLength);
        return isLink ? { linkByteLength: bytes } : { byteLength: bytes };
      },
    };
  }
}

/** For each piece of each expert: that piece, and from it to the end. */
function pieceTable(
  { expertByteLength, expertLimit, pieceByteLength }: CopierOptions,
): Uint8Array<ArrayBuffer> {
  const pieceCount = Math.ceil(expertByteLength / pieceByteLength);
  const stride = UNIFORM_STEP / 4;
  const table = new Uint32Array(expertLimit * pieceCount * 2 * stride);
  for (let expert = 0; expert < expertLimit; expert++) {
    for (let piece = 0; piece < pieceCount; piece++) {
      const from = piece * pieceByteLength;
      const to = Math.min(from + pieceByteLength, expertByteLength);
      const source = (expert * expertByteLength + from) / 16;
      // Must be kept in sync with `Piece` in kernels/copy.wgsl.
      const at = (expert * pieceCount + piece) * 2 * stride;
      table.set([source, from / 16, (to - from) / 16], at);
      const rest = (expertByteLength - from) / 16;
      table.set([source, from / 16, rest], at + stride);
    }
  }
  return new Uint8Array(table.buffer);
}
