/** A shadow of the GPU's contents: every slot holds the expert it is said to. */

import { assert } from "@std/assert";
import type { Mixtral } from "../src/model/mixtral.ts";
import {
  CONTEXT_LENGTH,
  type OffloadLab,
  WAY,
  type Way,
  withLab,
} from "./_offload_lab.ts";
import { checkShadow } from "./_offload_shadow.ts";
import { MODELS } from "./_offload_talk.ts";
import { type Random, withRandom } from "./_random.ts";

/** Steps of a walk. */
const STEPS = 40;

/** The ways in which a slot gets its bytes. */
const WALKS: Readonly<Record<string, Way>> = {
  "of copies": { ...WAY, slots: [2, 3, 5] },
  "of copies and swaps of whole experts": {
    ...WAY,
    slots: [2, 2, 4],
    prefetch: "next-layer",
    pieceCount: 1,
  },
  "of copies and swaps of parts of experts": {
    ...WAY,
    slots: [3, 2, 2],
    policy: "class-lru",
    prefetch: "next-layer",
    stagingSlotCount: 4,
    pieceCount: 12,
  },
  "of uploads": { ...WAY, slots: [4, 2, 3], stores: ["array-buffer"] },
  "of reads from disk": {
    ...WAY,
    slots: [2, 8, 2],
    stores: ["disk"],
    policy: "lfu",
  },
  "of all of these": {
    ...WAY,
    slots: [2, 2, 3],
    stores: ["array-buffer", "pinned", "disk"],
    prefetch: "next-layer",
    pieceCount: 7,
  },
};

/** Prompts and single tokens at positions that go on or back. */
async function walk(
  lab: OffloadLab,
  { way, model, random }: { way: Way; model: Mixtral; random: Random },
): Promise<void> {
  let position = 0;
  let checked = 0;
  for (let step = 0; step < STEPS; step++) {
    const length = random.next() < 0.3 ? 1 + random.integer(40) : 1;
    if (position + length > CONTEXT_LENGTH || random.next() < 0.1) {
      position = random.integer(Math.min(position, CONTEXT_LENGTH - 40));
    }
    const tokens = random.integers(length, lab.config.vocabSize);
    await model.forward(tokens, position);
    position += length;
    checked += await checkShadow(lab, way, model);
  }
  assert(checked >= 4 * STEPS, `${checked} slots`);
  const layers = model.offloadStats!.snapshot().layers;
  const total = (count: (layer: typeof layers[number]) => number) =>
    layers.reduce((sum, layer) => sum + count(layer), 0);
  assert(total(({ evictions }) => evictions) > STEPS / 2);
  assert(total(({ prefillMisses }) => prefillMisses) > 0);
  if (way.prefetch === "off") return;
  assert(total(({ byteLengths }) => byteLengths.prefetchUsed) > 0);
}

for (const [i, [what, way]] of Object.entries(WALKS).entries()) {
  Deno.test(`ExpertCache tells what the slots hold after a walk ${what}`, async () => {
    await withLab(
      MODELS.a_gqa_8e,
      (lab) =>
        withRandom(i + 1, async (random) => {
          using model = await lab.offloaded(way);
          await walk(lab, { way, model, random });
        }),
    );
  });
}
