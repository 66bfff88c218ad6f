/** How fast experts would come to the GPU, from either kind of memory. */

import type { Gpu } from "../../gpu/device.ts";
import { measureLinkRate } from "../device_rates.ts";
import type { LinkFacts } from "./judge_speed.ts";

/** Bytes of an expert: about one of Mixtral-8x7B with 2 bits; few on a CPU. */
const EXPERT_BYTE_LENGTH = { hardware: 64 * 2 ** 20, software: 2 ** 20 };
/** Experts in pinned memory: more than a cache of the GPU holds. */
const EXPERT_COUNT = 4;

/**
 * Measures the link, with a small pool of its own.
 *
 * @param gpu The GPU.
 * @returns 10^9 bytes a second, by kind of memory.
 */
export async function measureLink(gpu: Gpu): Promise<LinkFacts> {
  const byteLength = gpu.isSoftware
    ? EXPERT_BYTE_LENGTH.software
    : EXPERT_BYTE_LENGTH.hardware;
  const pool = gpu.canPin ? await pinned(gpu, EXPERT_COUNT * byteLength) : null;
  const pinnedRate = pool === null
    ? null
    : await measureLinkRate(gpu, { buffers: [pool] }, byteLength);
  pool?.destroy();
  return {
    pinned: pinnedRate,
    arrayBuffer: await measureLinkRate(gpu, { buffers: [] }, byteLength),
  };
}

/** Host memory that the GPU reads; `null` if the system refuses it. */
async function pinned(
  { device }: Gpu,
  size: number,
): Promise<GPUBuffer | null> {
  device.pushErrorScope("out-of-memory");
  const buffer = device.createBuffer({
    label: "pinned memory to read",
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE |
      GPUBufferUsage.COPY_DST,
  });
  return await device.popErrorScope() === null ? buffer : null;
}
