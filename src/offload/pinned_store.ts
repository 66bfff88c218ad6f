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
  /**
   * Whether to hold only the first of them if the system grants no more.
   *
   * @default {false}
   */
  readonly isPartial?: boolean;
  /** Called after each expert. */
  readonly onExpert?: ((done: number) => void) | undefined;
}

/** Experts in pinned memory. */
export interface PinnedStore extends HostStore {
  /** How many experts of the range it holds, from the first. */
  readonly expertCount: number;
}

/** Bytes of a pool buffer, if the system grants them. */
const CHUNK_BYTE_LENGTH = 2 ** 30;

/** A buffer of the pool. */
interface Chunk {
  readonly buffer: GPUBuffer;
  /** Its first expert, counted from the store's first. */
  readonly first: number;
  /** How many experts it holds. */
  readonly count: number;
}

/**
 * Makes a pool of pinned memory and fills it.
 *
 * A buffer that may be mapped for reading and bound as storage is system memory
 * that shaders read over the bus; it is never mapped, and filled by
 * `writeBuffer`. The pool comes in chunks of 1 GiB, halved whenever the system
 * refuses one.
 *
 * @param gpu The GPU.
 * @param options What to hold, and where it comes from.
 * @returns The store.
 * @throws {RangeError} If not all experts can be pinned, unless it may be partial.
 */
export async function createPinnedStore(
  gpu: Gpu,
  options: PinnedStoreOptions,
): Promise<PinnedStore> {
  const { range, isPartial = false } = options;
  const chunks = await allocate(gpu, options);
  const free = () => {
    for (const { buffer } of chunks) buffer.destroy();
  };
  const expertCount = chunks.reduce((sum, { count }) => sum + count, 0);
  if (expertCount < range.count && !isPartial) {
    free();
    throw new RangeError(
      `Cannot pin ${range.count} experts of ${options.expertByteLength} bytes: the system grants memory for ${expertCount} of them, wanted all; use store auto or array-buffer`,
    );
  }
  try {
    await fill(gpu, chunks, options);
  } catch (error) {
    free();
    throw error;
  }
  return {
    expertCount,
    buffers: chunks.map(({ buffer }) => buffer),
    placeOf(id) {
      const i = flatId(id, options) - range.first;
      const buffer = chunks.findIndex(({ first, count }) => i < first + count);
      return { buffer, index: i - chunks[buffer]!.first };
    },
    read(id) {
      throw new Error(
        `Cannot read expert ${id.expert} of layer ${id.layer}: it is in pinned memory, wanted placeOf()`,
      );
    },
    [Symbol.dispose]: free,
  };
}

async function fill(
  gpu: Gpu,
  chunks: readonly Chunk[],
  options: PinnedStoreOptions,
): Promise<void> {
  const { expertByteLength, range, readExpert, onExpert } = options;
  const bytes = new Uint8Array(expertByteLength);
  for (const { buffer, first, count } of chunks) {
    for (let i = 0; i < count; i++) {
      const flat = range.first + first + i;
      await readExpert(expertOf(flat, options), bytes);
      gpu.upload(buffer, bytes, i * expertByteLength);
      onExpert?.(flat + 1);
    }
  }
}

/** As many experts as the system grants, in chunks as large as it grants. */
async function allocate(
  gpu: Gpu,
  { expertByteLength, range }: PinnedStoreOptions,
): Promise<Chunk[]> {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const limit = Math.min(
    CHUNK_BYTE_LENGTH,
    maxBufferSize,
    maxStorageBufferBindingSize,
  );
  const chunks: Chunk[] = [];
  let most = Math.floor(limit / expertByteLength);
  let first = 0;
  while (first < range.count && most >= 1) {
    const count = Math.min(most, range.count - first);
    const buffer = await tryAllocate(gpu, {
      label: `host pool ${chunks.length}`,
      size: count * expertByteLength,
    });
    if (buffer === null) {
      most = Math.floor(count / 2);
      continue;
    }
    chunks.push({ buffer, first, count });
    first += count;
  }
  return chunks;
}

async function tryAllocate(
  { device }: Gpu,
  { label, size }: { label: string; size: number },
): Promise<GPUBuffer | null> {
  device.pushErrorScope("out-of-memory");
  const buffer = device.createBuffer({
    label,
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE |
      GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
  return await device.popErrorScope() === null ? buffer : null;
}
