/** `ExpertCopier`: experts to slots, whole or in pieces. */

import { assertEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { ExpertCopier } from "../src/ops/copy.ts";
import { makeReader, upload } from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";

/** All cases of this file. */
export const COPY_CASES: readonly KernelCase[] = [
  {
    name: "ExpertCopier copies pieces of experts and nothing else",
    kernels: ["copy.wgsl", "lib/bring.wgsl"],
    summing: [],
    run: ({ gpu }) =>
      withRandom(13, async (random) => {
        for (
          const [expertByteLength, pieceByteLength, offset = 0] of [
            [16, 16], // one vec4, one piece
            [4816, 1600], // 301 vec4s in 4 pieces, the last of one vec4
            [4816, 1600, 512], // to a part of a buffer, and from one
            // More than the workgroups take at once, and one that ends where
            // some have a fourth vec4 to copy and others not.
            [1_600_000, 1_100_000],
            [800_000, 800_000],
          ] as const
        ) {
          await checkCopies(gpu, random, {
            expertByteLength,
            pieceByteLength,
            offset,
          });
        }
      }),
  },
];

async function checkCopies(
  gpu: Gpu,
  random: Random,
  { expertByteLength, pieceByteLength, offset }: {
    expertByteLength: number;
    pieceByteLength: number;
    offset: number;
  },
): Promise<void> {
  const expertLimit = 3;
  const words = expertByteLength / 4;
  const numbers = Uint32Array.from(
    { length: offset / 4 + expertLimit * words },
    () => random.integer(2 ** 32),
  );
  const source = upload(gpu, numbers);
  const slot = gpu.storageBuffer("slot", offset + expertByteLength + 16);
  const copier = await ExpertCopier.create(gpu, {
    expertByteLength,
    expertLimit,
    pieceByteLength,
  });
  const part = { offset, size: expertByteLength };
  const bound = offset === 0
    ? copier.bind(source, slot)
    : copier.bind({ buffer: source, offset }, { buffer: slot, ...part });
  using reader = await makeReader(gpu, slot.size);
  const pieces = Math.ceil(expertByteLength / pieceByteLength);
  assertEquals(copier.pieceCount, pieces);
  for (const expert of [0, expertLimit - 1]) {
    for (let piece = 0; piece < pieces; piece++) {
      for (const toEnd of [false, true]) {
        gpu.upload(slot, new Uint8Array(slot.size));
        const commands = gpu.device.createCommandEncoder();
        const pass = commands.beginComputePass();
        copier.encode(pass, bound, { expert, piece, toEnd });
        pass.end();
        gpu.device.queue.submit([commands.finish()]);
        const expected = new Uint32Array(slot.size / 4); // zeros elsewhere
        const from = piece * pieceByteLength / 4;
        const to = toEnd ? words : Math.min(words, from + pieceByteLength / 4);
        const start = offset / 4 + expert * words;
        const copied = numbers.subarray(start + from, start + to);
        expected.set(copied, offset / 4 + from);
        const actual = await reader.words(slot);
        const wrong = actual.findIndex((word, i) => word !== expected[i]);
        assertEquals(wrong, -1, `piece ${piece} of expert ${expert}`);
      }
    }
  }
}
