/** What a device does at most: bytes and float32 operations a second. */

import { measureVramRate } from "../src/engine/device_rates.ts";
import type { Gpu } from "../src/gpu/device.ts";
import { kernelOp } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import fmaCode from "./fma.wgsl" with { type: "text" };
import { Timer } from "./_time.ts";

/** The limits of a device. */
export interface Peaks {
  /** 10^9 bytes of VRAM a second. */
  readonly gigabytesPerSecond: number;
  /** 10^9 float32 operations a second; a multiply-add is two. */
  readonly gigaflopsPerSecond: number;
}

/** Enough to fill any device. */
const WORKGROUPS = { hardware: 8192, software: 16 };
/** Multiply-adds of an invocation: rounds, of 64 vec4f each. */
const ROUNDS = { hardware: 64, software: 4 };

/**
 * Measures the limits of a device.
 *
 * @param gpu The GPU, with room for a buffer of 1 GiB.
 * @returns Both.
 */
export async function measurePeaks(gpu: Gpu): Promise<Peaks> {
  using _buffers = gpu.memory.scope();
  return {
    gigabytesPerSecond: await measureVramRate(gpu),
    gigaflopsPerSecond: await measureFlops(gpu),
  };
}

async function measureFlops(gpu: Gpu): Promise<number> {
  const kind = gpu.isSoftware ? "software" : "hardware";
  const [workgroups, rounds] = [WORKGROUPS[kind], ROUNDS[kind]];
  const op = await kernelOp(gpu, {
    sources: [{ name: "fma.wgsl", code: fmaCode }],
    constants: { ROUNDS: rounds },
    bindings: { 0: gpu.storageBuffer("sums", 32) },
    workgroups: () => [workgroups],
  });
  using timer = await Timer.create(gpu, makeStepBuffers(gpu, 1));
  const us = await timer.us({ ops: [op], tokenCount: 1, position: 0 });
  return workgroups * 256 * rounds * 64 * 4 * 2 / us / 1e3;
}
