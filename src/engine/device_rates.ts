/** How fast a GPU reads its memory, and how fast experts come to it. */

import type { Gpu } from "../gpu/device.ts";
import type { Readback } from "../gpu/readback.ts";
import type { HostStore } from "../offload/host_store.ts";
import { ExpertCopier } from "../ops/copy.ts";
import { readAll } from "../ops/read.ts";
import { fastestInTurns } from "./fastest.ts";
import { PassTimer } from "./pass_timer.ts";

/** What one measurement moves: long against a submit, short on a CPU. */
const VRAM_BYTE_LENGTH = { hardware: 2 ** 30, software: 64 * 2 ** 20 };
/** The same for the link. */
const LINK_BYTE_LENGTH = { hardware: 2 ** 30, software: 32 * 2 ** 20 };
/** The most copies of a submit, however small experts are. */
const COPY_LIMIT = 1024;
/** Reads are repeated within a submit until it takes this long. */
const LEAST_MS = 20;

/**
 * Measures how fast a kernel reads VRAM: a buffer of 1 GiB, or as large as the
 * adapter grants, again and again.
 *
 * @param gpu The GPU, with room for the buffer.
 * @returns 10^9 bytes a second, the best of some measurements.
 */
export async function measureVramRate(gpu: Gpu): Promise<number> {
  const byteLength = Math.min(
    byKind(gpu, VRAM_BYTE_LENGTH),
    Math.floor(gpu.bindByteLimit / 16) * 16,
  );
  const source = gpu.storageBuffer("VRAM to read", byteLength);
  const { encode, sums } = await readAll(gpu, source);
  using timer = await PassTimer.create(gpu);
  const time = (count: number) =>
    timer.ms((pass) => {
      for (let i = 0; i < count; i++) encode(pass, 1);
    });
  await time(1); // the first use of a buffer clears it
  let count = 1;
  if (!gpu.isSoftware) {
    while (await time(count) < LEAST_MS) count *= 2;
  }
  const [ms] = await fastestInTurns(gpu, [() => time(count)]);
  source.destroy();
  sums.destroy();
  return rate(count * byteLength, ms!);
}

/**
 * Measures how fast whole experts come to the GPU: by copy kernels from a pinned
 * pool, as decode copies them, or by `writeBuffer` if nothing is pinned.
 *
 * @param gpu The GPU, with room for two experts.
 * @param store Where experts come from.
 * @param expertByteLength Bytes of an expert.
 * @returns 10^9 bytes a second, the best of some measurements.
 */
export async function measureLinkRate(
  gpu: Gpu,
  store: Pick<HostStore, "buffers">,
  expertByteLength: number,
): Promise<number> {
  const slots = [0, 1].map((i) =>
    gpu.storageBuffer(`slot ${i} of the link`, expertByteLength)
  );
  using timer = await PassTimer.create(gpu);
  const wanted = Math.ceil(byKind(gpu, LINK_BYTE_LENGTH) / expertByteLength);
  const count = Math.min(Math.max(4, wanted), COPY_LIMIT);
  using readback = await gpu.readback(16);
  const pinned = store.buffers[0];
  const trial = { slots, expertByteLength, count };
  const time = pinned === undefined
    ? () => timeUploads(gpu, { ...trial, readback })
    : await timeCopies(gpu, { ...trial, timer, pinned });
  const [ms] = await fastestInTurns(gpu, [time]);
  for (const slot of slots) slot.destroy();
  return rate(count * expertByteLength, ms!);
}

/** What a measurement of the link moves. */
interface LinkTrial {
  readonly slots: readonly GPUBuffer[];
  readonly expertByteLength: number;
  readonly count: number;
}

/** Makes copies from pinned memory, one expert after the other. */
async function timeCopies(
  gpu: Gpu,
  { pinned, slots, expertByteLength, count, timer }: LinkTrial & {
    readonly pinned: GPUBuffer;
    readonly timer: PassTimer;
  },
): Promise<() => Promise<number>> {
  const expertLimit = Math.floor(pinned.size / expertByteLength);
  const copier = await ExpertCopier.create(gpu, {
    expertByteLength,
    expertLimit,
    pieceByteLength: expertByteLength,
  });
  const bound = slots.map((slot) => copier.bind(pinned, slot));
  return () =>
    timer.ms((pass) => {
      for (let i = 0; i < count; i++) {
        const what = { expert: i % expertLimit, piece: 0, toEnd: true };
        copier.encode(pass, bound[i % bound.length]!, what);
      }
    });
}

/** Moves bytes from ordinary memory, as for experts that are not pinned. */
async function timeUploads(
  gpu: Gpu,
  { slots, expertByteLength, count, readback }: LinkTrial & {
    readonly readback: Readback;
  },
): Promise<number> {
  const bytes = new Uint8Array(expertByteLength);
  const start = performance.now();
  for (let i = 0; i < count; i++) gpu.upload(slots[i % slots.length]!, bytes);
  await readback.read(gpu.device.createCommandEncoder(), slots[0]!, 16);
  return performance.now() - start;
}

function byKind(
  { isSoftware }: Gpu,
  { hardware, software }: { hardware: number; software: number },
): number {
  return isSoftware ? software : hardware;
}

function rate(byteLength: number, ms: number): number {
  return byteLength / ms / 1e6;
}
