/** How long the GPU takes for something. */

import type { Gpu } from "../gpu/device.ts";
import type { Readback } from "../gpu/readback.ts";

/** What ends a measurement: 16 bytes that are read back. */
export interface PassEnd {
  /** Reads them. */
  readonly readback: Readback;
  /** Where they are. */
  readonly marker: GPUBuffer;
}

/**
 * Measures a compute pass, from its submit to a read-back: the time that the CPU
 * takes to record it does not count.
 *
 * @param gpu The GPU.
 * @param end What is read back.
 * @param record Records the pass.
 * @returns Milliseconds.
 */
export async function timePass(
  gpu: Gpu,
  { readback, marker }: PassEnd,
  record: (pass: GPUComputePassEncoder) => void,
): Promise<number> {
  const commands = gpu.device.createCommandEncoder();
  const pass = commands.beginComputePass();
  record(pass);
  pass.end();
  const start = performance.now();
  await readback.read(commands, marker, 16);
  return performance.now() - start;
}
