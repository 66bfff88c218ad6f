/** How fast files come from the disk, or from the memory that caches it. */

import { forEachParallel } from "../io/for_each_parallel.ts";

/** Bytes of a read. */
const PIECE_BYTE_LENGTH = 8 * 2 ** 20;
/** Reads side by side, as many as loading keeps in flight. */
const PARALLEL_COUNT = 4;
/** The most bytes that are read. */
const BYTE_LIMIT = 512 * 2 ** 20;

/** What was read, and how fast. */
export interface DiskRate {
  /** 10^9 bytes a second. */
  readonly gigabytesPerSecond: number;
  /** Bytes that were read. */
  readonly byteLength: number;
}

/**
 * Reads files, several pieces side by side, each once. Whether they come from the
 * disk or from the system's cache cannot be told from here.
 *
 * @param paths The files; of many bytes only the first 512 MiB are read.
 * @returns The rate; `null` if there is nothing to read.
 * @throws {Error} If a file cannot be read.
 */
export async function measureDiskRate(
  paths: readonly string[],
): Promise<DiskRate | null> {
  const pieces = await piecesOf(paths);
  const buffers = Array.from(
    { length: PARALLEL_COUNT },
    () => new Uint8Array(PIECE_BYTE_LENGTH),
  );
  let byteLength = 0;
  const start = performance.now();
  await forEachParallel(pieces, {
    limit: PARALLEL_COUNT,
    run: async ({ path, at }) => {
      const buffer = buffers.pop()!;
      using file = await Deno.open(path);
      await file.seek(at, Deno.SeekMode.Start);
      const count = await file.read(buffer) ?? 0;
      byteLength += count; // not in one with the await, which others run beside
      buffers.push(buffer);
    },
  });
  const ms = performance.now() - start;
  if (byteLength === 0) return null;
  return { gigabytesPerSecond: byteLength / ms / 1e6, byteLength };
}

async function piecesOf(
  paths: readonly string[],
): Promise<{ path: string; at: number }[]> {
  const pieces: { path: string; at: number }[] = [];
  for (const path of paths) {
    const { size } = await Deno.stat(path);
    for (let at = 0; at < size; at += PIECE_BYTE_LENGTH) {
      if (pieces.length * PIECE_BYTE_LENGTH >= BYTE_LIMIT) return pieces;
      pieces.push({ path, at });
    }
  }
  return pieces;
}
