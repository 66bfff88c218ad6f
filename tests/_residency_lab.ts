/** A router that decides, and its twin on the host. */

import { assertEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import type { PolicyName } from "../src/offload/eviction.ts";
import type { ExpertCache } from "../src/offload/expert_cache.ts";
import {
  type ResidencyLayout,
  residencyLayout,
  writeBlock,
} from "../src/offload/residency_block.ts";
import { decayFactors } from "../src/offload/use_history.ts";
import { makeRouting, route } from "../src/ops/moe.ts";
import { makeRows } from "../src/ops/op.ts";
import {
  makeResidency,
  type StagedCounts,
  stageWords,
} from "../src/ops/residency.ts";
import { makeReader, padRows, upload } from "./_gpu.ts";

/** What a lab is made for. */
export interface LabShape {
  readonly expertCount: number;
  readonly topK: number;
  readonly policy: PolicyName;
  readonly halfLife: number;
  /** Whether the router takes its rows under a norm. */
  readonly isNormed: boolean;
  /** How many of the next layer's experts it guesses. */
  readonly guessCount: number;
  /**
   * What it stages, and at how many guesses it looks for that.
   *
   * @default {undefined} it stages nothing
   */
  readonly staged?: StagedCounts & { readonly lookCount: number };
}

/** What a router left of a token. */
export interface Told {
  /** The layer's block. */
  readonly block: Uint32Array;
  /** Rank, slot, expert and whether it is brought in: (topK, 4) */
  readonly uses: readonly number[];
  /** What it staged: expert, and how many vec4s. */
  readonly staged: readonly number[];
  /** The experts that it chose, then its guesses. */
  readonly ids: readonly number[];
  /** The bits of their weights: (topK) */
  readonly weightBits: readonly number[];
}

/** The layer that the router decides for, of those that there are. */
const [LAYER, LAYER_COUNT] = [1, 3];

/** The most tokens of a submit. */
const BATCH = 128;

/** A router whose choices are given. */
export interface Lab {
  readonly shape: LabShape;
  readonly layout: ResidencyLayout;
  /** Sets the words of the layer's block, or of the next one's. */
  write(words: Uint32Array<ArrayBuffer>, isNext?: boolean): void;
  /** Runs tokens with these experts, by rank. */
  run(tokens: readonly (readonly number[])[]): Promise<Told[]>;
  /** Runs several tokens as one step. */
  runTogether(tokens: readonly (readonly number[])[]): Promise<Told>;
  [Symbol.dispose](): void;
}

/**
 * Makes a router with as many inputs as experts: logits are the inputs.
 *
 * @param gpu The GPU.
 * @param shape What it is for.
 * @returns The lab.
 */
export async function makeLab(gpu: Gpu, shape: LabShape): Promise<Lab> {
  const { expertCount, topK, policy, guessCount } = shape;
  const layout = residencyLayout(shape);
  const residency = makeResidency(gpu, {
    layerCount: LAYER_COUNT,
    topK,
    wordCount: layout.wordCount,
    policy,
    decayFactors: decayFactors(shape.halfLife),
  });
  const routing = makeRouting(gpu, { tokenLimit: 2, expertCount, topK });
  const identity = new Float32Array(expertCount ** 2);
  const backwards = new Float32Array(expertCount ** 2);
  for (let e = 0; e < expertCount; e++) {
    identity[e * expertCount + e] = 1;
    backwards[(e + 1) * expertCount - 1 - e] = 1;
  }
  const before = makeRows(gpu, "before", [2, expertCount]);
  const ones = new Float32Array(expertCount).fill(1);
  const op = await route(gpu, {
    x: shape.isNormed ? makeRows(gpu, "x", [2, expertCount]) : before,
    beforeNorm: shape.isNormed
      ? {
        x: before,
        norm: { weight: upload(gpu, padRows(ones, expertCount)), epsilon: 0 },
      }
      : undefined,
    width: expertCount,
    gate: upload(gpu, padRows(identity, expertCount)),
    routing,
    guess: guessCount === 0 ? undefined : {
      nextGate: upload(gpu, padRows(backwards, expertCount)),
      count: guessCount,
    },
    residency: { residency, layer: LAYER, staged: shape.staged ?? null },
  });
  const words = stageWords(shape.staged?.lookCount ?? 0);
  gpu.upload(residency.uses, new Uint8Array(words.buffer), topK * 16);

  const outputs = [
    residency.blocks,
    residency.uses,
    routing.ids,
    routing.weights,
  ];
  const ends = outputs.map((_, i) =>
    outputs.slice(0, i + 1).reduce((sum, { size }) => sum + size, 0)
  );
  const toldByteLength = ends.at(-1)!;
  const log = gpu.storageBuffer("log", BATCH * toldByteLength);
  const inputs = gpu.storageBuffer("inputs", BATCH * before.stride * 4);
  const reader = await makeReader(gpu, log.size);

  /** Runs steps of some tokens each, and reads what each left. */
  async function runSteps(
    tokens: readonly (readonly number[])[],
    tokenCount: number,
  ): Promise<Told[]> {
    const rows = tokens.flatMap((ids) => [...logitsFor(ids, expertCount)]);
    gpu.upload(inputs, new Uint8Array(padRows(rows, expertCount).buffer));
    const commands = gpu.device.createCommandEncoder();
    const inputByteLength = tokenCount * before.stride * 4;
    const stepCount = tokens.length / tokenCount;
    for (let step = 0; step < stepCount; step++) {
      commands.copyBufferToBuffer(
        inputs,
        step * inputByteLength,
        before.buffer,
        0,
        inputByteLength,
      );
      const pass = commands.beginComputePass();
      op.encode(pass, tokenCount);
      pass.end();
      for (const [i, output] of outputs.entries()) {
        const at = step * toldByteLength + ends[i]! - output.size;
        commands.copyBufferToBuffer(output, 0, log, at, output.size);
      }
    }
    gpu.device.queue.submit([commands.finish()]);
    const words = await reader.words(log);
    return Array.from({ length: stepCount }, (_, step) => {
      const told = words.subarray(step * toldByteLength / 4);
      const [blocks, uses, ids, weights] = outputs.map(({ size }, i) =>
        told.subarray((ends[i]! - size) / 4, ends[i]! / 4)
      );
      const { wordCount } = layout;
      for (const layer of [0, 2]) {
        if (layer === 2 && shape.staged !== undefined) continue; // the test's
        const other = blocks!.subarray(layer * wordCount).subarray(
          0,
          wordCount,
        );
        assertEquals(other.some((word) => word !== 0), false, "another layer");
      }
      return {
        block: blocks!.slice(LAYER * wordCount, (LAYER + 1) * wordCount),
        uses: [...uses!.subarray(0, topK * 4)],
        staged: [...uses!.subarray(topK * 4, topK * 4 + 2)],
        ids: [...ids!.subarray(0, topK + guessCount)],
        weightBits: [...weights!.subarray(0, topK)],
      };
    });
  }

  return {
    shape,
    layout,
    write: (words, isNext = false) =>
      gpu.upload(
        residency.blocks,
        new Uint8Array(words.buffer),
        (LAYER + Number(isNext)) * residency.blockByteLength,
      ),
    async run(tokens) {
      const told: Told[] = [];
      for (let at = 0; at < tokens.length; at += BATCH) {
        told.push(...await runSteps(tokens.slice(at, at + BATCH), 1));
      }
      return told;
    },
    async runTogether(tokens) {
      return (await runSteps(tokens, tokens.length))[0]!;
    },
    [Symbol.dispose]: () => reader[Symbol.dispose](),
  };
}

/** Logits that rank these experts first, then the others by their number. */
function logitsFor(
  ids: readonly number[],
  expertCount: number,
): Float32Array {
  const logits = Float32Array.from(
    { length: expertCount },
    (_, e) => -(e + 1) / expertCount,
  );
  for (const [rank, id] of ids.entries()) logits[id] = ids.length - rank;
  return logits;
}

/**
 * What the router is to guess: its next gate takes the logits backwards.
 *
 * @param ids The token's experts.
 * @param shape The lab's.
 * @returns The guesses, likeliest first.
 */
export function guessesFor(
  ids: readonly number[],
  { expertCount, guessCount }: LabShape,
): number[] {
  const others = Array.from({ length: expertCount }, (_, e) => e)
    .filter((e) => !ids.includes(e));
  return [...ids, ...others].slice(0, guessCount)
    .map((e) => expertCount - 1 - e);
}

/**
 * Runs tokens through the router from where the cache is, and the same through
 * the cache: after every token block, uses and log must be what the cache says.
 *
 * @param lab The router.
 * @param cache Its twin.
 * @param tokens The experts of each token.
 * @returns The block in the end.
 */
export async function checkTokens(
  lab: Lab,
  cache: ExpertCache,
  tokens: readonly (readonly number[])[],
): Promise<Uint32Array> {
  const { layout, shape } = lab;
  const words = new Uint32Array(layout.wordCount);
  writeBlock(layout, cache, words);
  lab.write(words);
  const told = await lab.run(tokens);
  for (const [t, ids] of tokens.entries()) {
    const what = `token ${t} of ${tokens.length}`;
    const { block, uses, weightBits, ids: chosen } = told[t]!;
    const guesses = guessesFor(ids, shape);
    assertEquals(chosen, [...ids, ...guesses], what);
    assertEquals(uses, usesOf(cache, ids), what);
    writeBlock(layout, cache, words);
    words.set(ids, layout.ids);
    words.set(weightBits, layout.weights);
    words.set(guesses, layout.guess);
    assertSameWords(block, words, what);
  }
  return told.at(-1)!.block;
}

/** Faster than to compare word by word: most blocks are as they should be. */
function assertSameWords(
  actual: Uint32Array,
  expected: Uint32Array,
  what: string,
): void {
  if (expected.every((word, i) => word === actual[i])) return;
  assertEquals([...actual], [...expected], what);
}

/** What `acquire()` decides, as kernels of experts read it. */
function usesOf(cache: ExpertCache, ids: readonly number[]): number[] {
  const missing = new Set(cache.missing(ids));
  const { slots } = cache.acquire(ids);
  const uses = ids.map((
    id,
    rank,
  ) => [rank, slots[rank]!, id, missing.has(id) ? 1 : 0]);
  return [
    ...uses.filter((use) => use[3] === 1),
    ...uses.filter((use) => use[3] === 0),
  ].flat();
}
