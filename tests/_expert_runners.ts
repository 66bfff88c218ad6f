/** Experts that are all on the GPU, and those in banks: what tests run. */

import { assertEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { bankExperts } from "../src/ops/bank_experts.ts";
import { residentExperts } from "../src/ops/experts.ts";
import type { PlacedExperts } from "./_expert_check.ts";
import { makeReader, runOps } from "./_gpu.ts";

/** All experts in one buffer. */
export async function makeResident(
  gpu: Gpu,
  { step, ...placed }: PlacedExperts,
) {
  const op = await residentExperts(gpu, { ...placed, step: step.step });
  return (tokenCount: number) => runOps(gpu, [op], { step, tokenCount });
}

/**
 * For one token: experts in slots of two banks, out of a pool of two parts. They are
 * computed as missing ones, then with the pool spoilt as ones that are there, then
 * in the other order of ranks with one of them missing: the same bits each time.
 */
export function makeBanks(gpu: Gpu, placed: PlacedExperts) {
  return makeBanksWith(gpu, placed, false);
}

/**
 * As {@linkcode makeBanks}, but the beginning of the first missing expert is staged,
 * in two parts, and spoilt in the pool.
 */
export function makeStagedBanks(gpu: Gpu, placed: PlacedExperts) {
  return makeBanksWith(gpu, placed, true);
}

async function makeBanksWith(
  gpu: Gpu,
  { buffer, step, ...placed }: PlacedExperts,
  hasStaged: boolean,
) {
  const { routing: { expertCount, topK }, layout, scratch } = placed;
  const byteLength = layout.wordCount * 4;
  const slotByteLength = Math.ceil(byteLength / 256) * 256;
  const resident = await makeResident(gpu, { ...placed, buffer, step });
  const storage = (label: string, size: number) =>
    gpu.storageBuffer(label, Math.max(16, size));
  const firstCount = Math.ceil(expertCount / 2);
  const pool = [
    { firstExpert: 0, count: firstCount, index: 1 },
    { firstExpert: firstCount, count: expertCount - firstCount, index: 0 },
  ].filter(({ count }) => count > 0).map((part) => ({
    ...part,
    buffer: storage("pool", (part.index + part.count) * byteLength),
  }));
  const fillPool = () => {
    const commands = gpu.device.createCommandEncoder();
    for (const part of pool) {
      commands.copyBufferToBuffer(
        buffer,
        part.firstExpert * byteLength,
        part.buffer,
        part.index * byteLength,
        part.count * byteLength,
      );
    }
    gpu.device.queue.submit([commands.finish()]);
  };
  const slotCount = Math.min(expertCount, topK + 1);
  const banks = [
    { firstSlot: 0, slotCount: 1 },
    { firstSlot: 1, slotCount: slotCount - 1 },
  ].filter((bank) => bank.slotCount > 0).map((bank) => ({
    ...bank,
    buffer: storage("slots", bank.slotCount * slotByteLength),
  }));
  const uses = storage("uses", topK * 16);
  const total = byteLength / 16;
  const firstStaged = Math.ceil(total / 3);
  const staged = {
    first: { buffer: storage("first", firstStaged * 16), count: firstStaged },
    rest: { buffer: storage("rest", byteLength), count: total - firstStaged },
  };
  /** Moves the expert's beginning: what the pool has there is junk from now on. */
  const stage = (expert: number, count: number) => {
    const commands = gpu.device.createCommandEncoder();
    const at = expert * byteLength;
    const inFirst = Math.min(firstStaged, count) * 16;
    commands.copyBufferToBuffer(buffer, at, staged.first.buffer, 0, inFirst);
    commands.copyBufferToBuffer(
      buffer,
      at + inFirst,
      staged.rest.buffer,
      0,
      count * 16 - inFirst,
    );
    gpu.device.queue.submit([commands.finish()]);
    const part = pool.find(({ firstExpert, count }) =>
      expert >= firstExpert && expert < firstExpert + count
    )!;
    const index = part.index + expert - part.firstExpert;
    const junk = new Uint8Array(count * 16).fill(255);
    gpu.upload(part.buffer, junk, index * byteLength);
  };
  const op = await bankExperts(gpu, {
    ...placed,
    banks,
    slotByteLength,
    pool,
    uses,
    staged: hasStaged ? staged : null,
  });
  return async (tokenCount: number, ids: readonly number[]) => {
    if (tokenCount > 1) return resident(tokenCount);
    using reader = await makeReader(gpu, scratch.y.buffer.size);
    resident(tokenCount);
    const expected = (await reader.words(scratch.y.buffer)).slice();
    const all = ids.map((expert, rank) => ({ rank, slot: rank, expert }));
    const rounds: (readonly [missing: readonly number[], staged: number])[] = [
      [ids, Math.floor(total / 2)],
      [[], 0],
      [ids.slice(0, 1), total],
    ];
    for (const [missing, count] of rounds) {
      fillPool();
      for (const part of pool) {
        for (const [i] of Array(part.count).entries()) {
          if (missing.includes(part.firstExpert + i)) continue;
          const junk = new Uint8Array(byteLength).fill(255);
          gpu.upload(part.buffer, junk, (part.index + i) * byteLength);
        }
      }
      const stagedCount = hasStaged ? count : 0;
      if (stagedCount > 0) stage(missing[0]!, stagedCount);
      const words = all.flatMap(({ rank, slot, expert }) => [
        rank,
        slot,
        expert,
        Number(missing.includes(expert)) +
        (expert === missing[0] ? stagedCount : 0),
      ]);
      gpu.upload(uses, new Uint8Array(Uint32Array.from(words).buffer));
      runOps(gpu, [op], { step, tokenCount });
      assertEquals(await reader.words(scratch.y.buffer), expected);
      all.reverse();
    }
  };
}
