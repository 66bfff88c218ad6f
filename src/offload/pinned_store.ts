/** Experts in pinned host memory, which the GPU copies from by itself. */

import type { Gpu } from "../gpu/device.ts";
import {
  ExpertFill,
  type FilledStoreOptions,
  fillLimit,
} from "./expert_fill.ts";
import {
  type ExpertId,
  expertOf,
  flatId,
  type HostStore,
  type PinnedPlace,
} from "./host_store.ts";

/** Options for {@linkcode createPinnedStore}. */
export interface PinnedStoreOptions extends FilledStoreOptions {
  /**
   * Whether to hold only the first of them if the system grants no more.
   *
   * @default {false}
   */
  readonly isPartial?: boolean;
  /** Called after each buffer, with the bytes that the system granted so far. */
  readonly onPinned?: ((byteLength: number) => void) | undefined;
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
  /** How many experts it holds. */
  readonly count: number;
}

/**
 * Makes a pool of pinned memory and fills it.
 *
 * A buffer that may be mapped for reading and bound as storage is system memory
 * that shaders read over the bus; it is never mapped, and filled by
 * `writeBuffer`. The pool comes in chunks of 1 GiB, halved whenever the system
 * refuses one; they hold whole layers if they can.
 *
 * @param gpu The GPU.
 * @param options What to hold, and where it comes from.
 * @returns The store; not yet full if it is filled in the background.
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
  const places = chunks.flatMap(({ count }, buffer) =>
    Array.from({ length: count }, (_, index) => ({ buffer, index }))
  );
  const buffers = chunks.map(({ buffer }) => buffer);
  const fill = fillPool(gpu, { places, buffers, options });
  try {
    if (!options.isBackground) await fill.finished;
  } catch (error) {
    free();
    throw error;
  }
  const indexOf = (id: ExpertId) => flatId(id, options) - range.first;
  return {
    expertCount,
    filled: fill.finished,
    buffers,
    placeOf(id) {
      const i = indexOf(id);
      return fill.has(i) ? places[i]! : null;
    },
    homeOf: (id) => places[indexOf(id)]!,
    async read(id) {
      await fill.bring(indexOf(id));
      return null;
    },
    [Symbol.dispose]() {
      fill[Symbol.dispose]();
      free();
    },
  };
}

/** Reads experts to ordinary memory, and moves each from there to the pool. */
function fillPool(gpu: Gpu, { places, buffers, options }: {
  places: readonly PinnedPlace[];
  buffers: readonly GPUBuffer[];
  options: PinnedStoreOptions;
}): ExpertFill {
  const { expertByteLength, range, readExpert } = options;
  // New memory is slow and stays until it is collected, so it is used again.
  let idle: Uint8Array<ArrayBuffer>[] = [];
  let left = places.length;
  return new ExpertFill({
    count: places.length,
    limit: options.readLimit ?? fillLimit(expertByteLength),
    async read(i) {
      const bytes = idle.pop() ?? new Uint8Array(expertByteLength);
      await readExpert(expertOf(range.first + i, options), bytes);
      return bytes;
    },
    keep(i, bytes) {
      const { buffer, index } = places[i]!;
      gpu.upload(buffers[buffer]!, bytes, index * expertByteLength);
      idle.push(bytes);
      if (--left === 0) idle = [];
      options.onExpert?.();
    },
  });
}

/**
 * Says how many experts the next chunk of a pool holds: whole layers, if it
 * begins with one and can hold one, so that most layers lie in one buffer.
 *
 * @param left How many experts are to come.
 * @param options The first of them, through all layers; the most that a chunk
 * holds; experts of a layer.
 * @returns The number.
 */
export function chunkLength(
  left: number,
  { first, most, expertCount }: {
    first: number;
    most: number;
    expertCount: number;
  },
): number {
  if (left <= most) return left;
  const isWhole = first % expertCount === 0 && most >= expertCount;
  return isWhole ? most - most % expertCount : most;
}

/** As many experts as the system grants, in chunks as large as it grants. */
async function allocate(
  gpu: Gpu,
  { expertByteLength, expertCount, range, onPinned }: PinnedStoreOptions,
): Promise<Chunk[]> {
  const limit = Math.min(CHUNK_BYTE_LENGTH, gpu.bindByteLimit);
  const chunks: Chunk[] = [];
  let most = Math.floor(limit / expertByteLength);
  let first = 0;
  while (first < range.count && most >= 1) {
    const count = chunkLength(range.count - first, {
      first: range.first + first,
      most,
      expertCount,
    });
    const buffer = await tryAllocate(gpu, {
      label: `host pool ${chunks.length}`,
      size: count * expertByteLength,
    });
    if (buffer === null) {
      const half = Math.floor(count / 2); // a layer first, if it is less
      most = count > expertCount ? Math.max(half, expertCount) : half;
      continue;
    }
    chunks.push({ buffer, count });
    first += count;
    onPinned?.(first * expertByteLength);
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
  if (await device.popErrorScope() === null) return buffer;
  buffer.destroy();
  return null;
}
