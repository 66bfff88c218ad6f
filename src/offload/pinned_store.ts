/** Experts in pinned host memory, which the GPU copies from by itself. */

import type { Gpu } from "../gpu/device.ts";
import {
  expertOf,
  type ExpertRange,
  flatId,
  type HostStore,
  type ReadExpert,
  type StoreShape,
} from "./host_store.ts";

/** Options for {@linkcode createPinnedStore}. */
export interface PinnedStoreOptions extends StoreShape {
  /** Fills an expert's bytes. */
  readonly readExpert: ReadExpert;
  /** Which experts to hold. */
  readonly range: ExpertRange;
  /** Called after each expert. */
  readonly onExpert?: ((done: number) => void) | undefined;
}

/** Bytes of a pool buffer, if the system grants them. */
const CHUNK_BYTE_LENGTH = 2 ** 30;

/**
 * Makes a pool of pinned memory and fills it.
 *
 * A buffer that may be mapped for reading and bound as storage is system memory
 * that shaders read over the bus; it is never mapped, and filled by
 * `writeBuffer`. The pool comes in chunks of 1 GiB, halved as long as the system
 * refuses one.
 *
 * @param gpu The GPU.
 * @param options What to hold, and where it comes from.
 * @returns The store.
 * @throws {RangeError} If not even one expert can be pinned.
 */
export async function createPinnedStore(
  gpu: Gpu,
  options: PinnedStoreOptions,
): Promise<HostStore> {
  const { expertByteLength, range } = options;
  const chunks = await allocate(gpu, options);
  const bytes = new Uint8Array(expertByteLength);
  const placeOf = (i: number) => ({
    buffer: Math.floor(i / chunks.expertsPerChunk),
    index: i % chunks.expertsPerChunk,
  });
  for (let i = 0; i < range.count; i++) {
    await options.readExpert(expertOf(range.first + i, options), bytes);
    const { buffer, index } = placeOf(i);
    gpu.upload(chunks.buffers[buffer]!, bytes, index * expertByteLength);
    options.onExpert?.(range.first + i + 1);
  }
  return {
    buffers: chunks.buffers,
    placeOf: (id) => placeOf(flatId(id, options) - range.first),
    read(id) {
      throw new Error(
        `Cannot read expert ${id.expert} of layer ${id.layer}: it is in pinned memory, wanted placeOf()`,
      );
    },
    [Symbol.dispose]() {
      for (const buffer of chunks.buffers) buffer.destroy();
    },
  };
}

/** All chunks of one size, the largest that the system grants. */
async function allocate(
  gpu: Gpu,
  { expertByteLength, range: { count } }: PinnedStoreOptions,
): Promise<{ buffers: GPUBuffer[]; expertsPerChunk: number }> {
  const limit = Math.min(
    CHUNK_BYTE_LENGTH,
    gpu.device.limits.maxBufferSize,
    gpu.device.limits.maxStorageBufferBindingSize,
  );
  let expertsPerChunk = Math.min(
    count,
    Math.floor(limit / expertByteLength),
  );
  while (expertsPerChunk >= 1) {
    const buffers = await tryAllocate(gpu, {
      count: Math.ceil(count / expertsPerChunk),
      byteLength: expertsPerChunk * expertByteLength,
    });
    if (buffers !== null) return { buffers, expertsPerChunk };
    expertsPerChunk = Math.floor(expertsPerChunk / 2);
  }
  throw new RangeError(
    `Cannot pin ${count} experts of ${expertByteLength} bytes: the system grants no such memory, wanted fewer of them or the store array-buffer`,
  );
}

async function tryAllocate(
  { device }: Gpu,
  { count, byteLength }: { count: number; byteLength: number },
): Promise<GPUBuffer[] | null> {
  const buffers: GPUBuffer[] = [];
  for (let i = 0; i < count; i++) {
    device.pushErrorScope("out-of-memory");
    const buffer = device.createBuffer({
      label: `host pool ${i}`,
      size: byteLength,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE |
        GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    if (await device.popErrorScope() === null) {
      buffers.push(buffer);
      continue;
    }
    for (const made of buffers) made.destroy();
    return null;
  }
  return buffers;
}
