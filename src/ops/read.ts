/** Reads a whole buffer, to find out how fast that is. */

import type { Gpu } from "../gpu/device.ts";
import { kernelOp, type Op } from "./op.ts";
import readCode from "../../kernels/read.wgsl" with { type: "text" };

/** Bytes that a workgroup reads: 256 invocations, 16 vec4s of 16 bytes each. */
export const GROUP_BYTE_LENGTH: number = 256 * 16 * 16;

/** An op that reads a buffer. */
export interface ReadOp extends Op {
  /** The sum of the words that each workgroup read (workgroups) u32. */
  readonly sums: GPUBuffer;
}

/**
 * Makes an op that reads each word of a buffer once.
 *
 * @param gpu The GPU.
 * @param source The buffer, at most 65,535 times `GROUP_BYTE_LENGTH`.
 * @returns The op; whoever asked for it destroys its sums.
 */
export async function readAll(gpu: Gpu, source: GPUBuffer): Promise<ReadOp> {
  const groupCount = Math.ceil(source.size / GROUP_BYTE_LENGTH);
  const sums = gpu.storageBuffer("sums of read", groupCount * 4);
  const op = await kernelOp(gpu, {
    sources: [{ name: "read.wgsl", code: readCode }],
    constants: {},
    bindings: { 0: source, 1: sums },
    workgroups: () => [groupCount],
  });
  return { ...op, sums };
}
