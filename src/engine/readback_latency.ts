/** How long it takes to read a few bytes back, as models do it and awaited. */

import type { Gpu } from "../gpu/device.ts";

/** Bytes of a read. */
const BYTE_LENGTH = 16;
/** How often each way is timed. */
const ROUNDS = { direct: 50, awaited: 5 };

/** Latencies of read-backs. */
export interface ReadbackLatency {
  /** Whether reads return without a turn of the event loop. */
  readonly isSynchronous: boolean;
  /** Milliseconds of a read as models do it, the middle of some. */
  readonly directMs: number;
  /** Milliseconds with an awaited `mapAsync`, the middle of some. */
  readonly awaitedMs: number;
}

/**
 * Measures how long a copy of a few bytes takes from submit to the host.
 *
 * @param gpu The GPU, with nothing to do.
 * @returns The latencies.
 */
export async function measureReadback(gpu: Gpu): Promise<ReadbackLatency> {
  const { device } = gpu;
  const source = gpu.storageBuffer("source of read-backs", BYTE_LENGTH);
  using readback = await gpu.readback(BYTE_LENGTH);
  const direct = await middle(ROUNDS.direct, async () => {
    await readback.read(device.createCommandEncoder(), source, BYTE_LENGTH);
  });
  const target = device.createBuffer({
    label: "awaited read-back",
    size: BYTE_LENGTH,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const awaited = await middle(ROUNDS.awaited, async () => {
    const commands = device.createCommandEncoder();
    commands.copyBufferToBuffer(source, 0, target, 0, BYTE_LENGTH);
    device.queue.submit([commands.finish()]);
    await target.mapAsync(GPUMapMode.READ);
    target.unmap();
  });
  source.destroy();
  target.destroy();
  const { isSynchronous } = readback;
  return { isSynchronous, directMs: direct, awaitedMs: awaited };
}

/** Milliseconds, the middle of some after one that warms up. */
async function middle(
  count: number,
  run: () => Promise<void>,
): Promise<number> {
  const times: number[] = [];
  for (let i = -1; i < count; i++) {
    const start = performance.now();
    await run();
    if (i >= 0) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[count >> 1]!;
}
