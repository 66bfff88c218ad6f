/** What prefetching counts, and what it leaves alone. */

import { assert, assertEquals } from "@std/assert";
import type { Recorder } from "../src/gpu/recorder.ts";
import type { ExpertLoader } from "../src/model/expert_loader.ts";
import { Prefetcher } from "../src/model/prefetcher.ts";
import { ExpertCache } from "../src/offload/expert_cache.ts";
import { OffloadStats } from "../src/offload/offload_stats.ts";
import { PrefetchSwitch } from "../src/offload/prefetch_switch.ts";
import type { SlotBuffers } from "../src/offload/slot_buffers.ts";
import { ExpertCopier } from "../src/ops/copy.ts";
import { WAY, withLab } from "./_offload_lab.ts";
import { MODELS, talk, TURNS } from "./_offload_talk.ts";
import { type Random, withRandom } from "./_random.ts";

/** Layer 3 of the model is resident: layer 4 is guessed by nobody. */
const LAYERS = [0, 1, 2, 4, 5];
const EXPERT_COUNT = 8;
const TOP_K = 2;
const GUESS_COUNT = 3;
const PIECE_COUNT = 4;
const PIECE_BYTE_LENGTH = 100;

/** Experts of every third number are not pinned. */
const isPinned = (expert: number) => expert % 3 !== 2;

/** A piece that was copied to a staging slot. */
interface Piece {
  readonly layer: number;
  readonly expert: number;
  readonly to: number;
  readonly piece: number;
}

/** A prefetcher whose copies are noted. */
function makeScene(stagingSlotCount: number, expertCount: number) {
  const pieces: Piece[] = [];
  const loader = {
    pieceCount: PIECE_COUNT,
    isPinned: ({ expert }: { expert: number }) => isPinned(expert),
    copy(
      _pass: unknown,
      { layer, expert }: Piece,
      { to, piece, toEnd }: { to: number; piece: number; toEnd: boolean },
    ) {
      assert(!toEnd);
      pieces.push({ layer, expert, to, piece });
    },
  } as unknown as ExpertLoader;
  const slots = {
    stagingSlotCount,
    ofStaging: (staging: number) => 100 + staging,
  } as unknown as SlotBuffers;
  const caches = LAYERS.map((_, i) =>
    new ExpertCache(2 + i % 3, { expertCount: EXPERT_COUNT })
  );
  const stats = new OffloadStats(6);
  const prefetcher = new Prefetcher({
    loader,
    slots,
    caches,
    stats,
    layers: LAYERS,
    prefetch: new PrefetchSwitch("next-layer"),
    expertCount,
    guessCount: GUESS_COUNT,
    expertByteLength: PIECE_COUNT * PIECE_BYTE_LENGTH,
  });
  return { pieces, caches, stats, prefetcher, stagingSlotCount, expertCount };
}

/** Some experts, the most probable first. */
function choose(random: Random, count: number): number[] {
  const all = Array.from({ length: EXPERT_COUNT }, (_, i) => i);
  return Array.from(
    { length: count },
    () => all.splice(random.integer(all.length), 1)[0]!,
  );
}

/** Counts that a naive observer keeps, by the model's layers. */
const emptyCounts = () =>
  Array.from({ length: 6 }, () => ({
    guessHits: [0, 0, 0],
    guessUses: [0, 0, 0],
    used: 0,
    wasted: 0,
  }));

/** Decodes tokens with made-up routing; prompts come in between. */
function decode(scene: ReturnType<typeof makeScene>, random: Random) {
  const { pieces, caches, prefetcher } = scene;
  const recorder = { beside: null } as unknown as Recorder;
  const expected = emptyCounts();
  const states = () => caches.map((cache) => cache.state());
  for (let token = 0; token < 200; token++) {
    let guess: number[] = [];
    for (const [layer, modelLayer] of LAYERS.entries()) {
      const before = states();
      pieces.length = 0;
      const steps = random.integer(12);
      for (let i = 0; i < steps; i++) recorder.beside?.();
      prefetcher.endWindow(recorder);
      assertEquals(recorder.beside, null);
      const isGuessed = modelLayer > 0 && modelLayer !== 4;
      checkPieces(scene, { layer, guess: isGuessed ? guess : [], steps });
      const isPrompt = random.next() < 0.05;
      const experts = choose(random, TOP_K);
      const { used, wasted } = prefetcher.take(layer, isPrompt ? [] : experts);
      assertEquals(states(), before); // a guess evicts nobody
      const counts = expected[modelLayer]!;
      for (const { expert } of pieces) {
        const isUsed = !isPrompt && experts.includes(expert);
        counts[isUsed ? "used" : "wasted"] += PIECE_BYTE_LENGTH;
      }
      for (const [expert, { nextPiece }] of used) {
        const count = pieces.filter((piece) => piece.expert === expert).length;
        assertEquals([nextPiece, experts.includes(expert)], [count, true]);
      }
      assertEquals(
        wasted.filter((expert) => used.has(expert)),
        [],
        "nothing is both",
      );
      const staged = new Set(pieces.map(({ expert }) => expert));
      assertEquals(used.size + wasted.length, staged.size);
      if (isPrompt) break; // the prompt's other layers have nothing staged
      if (isGuessed) countNaively(counts, guess, experts);
      caches[layer]!.acquire(experts);
      guess = choose(random, GUESS_COUNT);
      prefetcher.beginWindow(recorder, layer + 1, guess);
    }
    recorder.beside = null;
  }
  return expected;
}

/** Whole experts one after the other, each in a staging slot of its own. */
function checkPieces(
  { pieces, caches, stagingSlotCount, expertCount }: ReturnType<
    typeof makeScene
  >,
  { layer, guess, steps }: { layer: number; guess: number[]; steps: number },
): void {
  const wanted = caches[layer]!.missing(guess.slice(0, expertCount))
    .filter(isPinned)
    .slice(0, stagingSlotCount);
  const all = wanted.flatMap((expert, staging) =>
    Array.from(
      { length: PIECE_COUNT },
      (_, piece): Piece => ({ layer, expert, to: 100 + staging, piece }),
    )
  );
  assertEquals(pieces, all.slice(0, steps));
}

function countNaively(
  { guessHits, guessUses }: ReturnType<typeof emptyCounts>[number],
  guess: readonly number[],
  experts: readonly number[],
): void {
  for (let i = 0; i < GUESS_COUNT; i++) {
    guessUses[i]! += experts.length;
    const first = guess.slice(0, i + 1);
    guessHits[i]! += experts.filter((id) => first.includes(id)).length;
  }
}

Deno.test("Prefetcher stages what is missing, evicts nobody and counts every byte", async () => {
  for (const stagingSlotCount of [2, 4]) {
    for (const expertCount of [1, 2, 3]) {
      const seed = 10 * stagingSlotCount + expertCount;
      await withRandom(seed, (random) => {
        const scene = makeScene(stagingSlotCount, expertCount);
        const expected = decode(scene, random);
        const { layers } = scene.stats.snapshot();
        const actual = layers.map(({ guessHits, guessUses, byteLengths }) => ({
          guessHits,
          guessUses,
          used: byteLengths.prefetchUsed,
          wasted: byteLengths.prefetchWasted,
        }));
        assertEquals(actual, expected);
        assert(actual[1]!.used > 0 && actual[1]!.wasted > 0);
        assertEquals(actual[4], emptyCounts()[4]); // after a resident layer
      });
    }
  }
});

Deno.test("Prefetcher forgets after a failure what is staged", () => {
  const { prefetcher, stats, caches, pieces } = makeScene(2, 2);
  const recorder = { beside: null } as unknown as Recorder;
  prefetcher.beginWindow(recorder, 1, [0, 1]);
  recorder.beside!();
  assertEquals(pieces.length, 1);
  prefetcher.reset();
  assertEquals(prefetcher.take(1, [0, 1]).used.size, 0);
  assertEquals(caches[1]!.state(), [undefined, undefined, undefined]);
  assertEquals(stats.snapshot().layers[1]!.byteLengths.prefetchUsed, 0);
});

/** Counts pieces that are copied one by one: those that are staged. */
function countStagedPieces(): Disposable & { count: number } {
  const { prototype } = ExpertCopier;
  const { encode } = prototype;
  const counter = {
    count: 0,
    [Symbol.dispose]: () => void (prototype.encode = encode),
  };
  prototype.encode = function (pass, bound, what) {
    if (!what.toEnd) counter.count++;
    encode.call(this, pass, bound, what);
  };
  return counter;
}

for (const stagingSlotCount of [2, 4]) {
  for (const pieceCount of [1, 9]) {
    Deno.test(`OffloadStats adds up with ${stagingSlotCount} staging slots and ${pieceCount} pieces`, async () => {
      await withLab(MODELS.a_gqa_8e, async (lab) => {
        const size = lab.expertByteLength;
        using staged = countStagedPieces();
        using model = await lab.offloaded({
          ...WAY,
          slots: [2, 3, 2],
          prefetch: "next-layer",
          stagingSlotCount,
          pieceCount,
        });
        await talk(model, TURNS, 7);
        let stagedBytes = 0;
        const { layers, tokenCount } = model.offloadStats!.snapshot();
        for (const [i, layer] of layers.entries()) {
          const { demand, prefetchUsed, prefetchWasted, prefill } =
            layer.byteLengths;
          // Each miss came whole, in one part or two.
          assertEquals(demand + prefetchUsed, layer.misses * size);
          assertEquals(prefill, layer.prefillMisses * size);
          assertEquals(layer.hits + layer.misses, tokenCount * TOP_K);
          stagedBytes += prefetchUsed + prefetchWasted;
          const uses = i === 0 ? 0 : tokenCount * TOP_K;
          assertEquals(layer.guessUses, [uses, uses, uses]);
          const [one, two, three] = layer.guessHits;
          assert(one! <= two! && two! <= three! && three! <= uses);
        }
        assertEquals(stagedBytes, staged.count * size / pieceCount);
        assert(stagedBytes > 0);
      });
    });
  }
}
