/** A real engine over a model that makes words up, for tests of the server. */

import { fromFileUrl } from "@std/path";
import { Engine } from "../engine/engine.ts";
import type { DeviceParts } from "../engine/lasting_model.ts";
import { seededRandom } from "../engine/random.ts";
import { readTextFiles } from "../engine/text_files.ts";
import { ExpertWatch } from "../offload/expert_watch.ts";

const FOLDER = fromFileUrl(
  new URL("../../models/stories-17m-q", import.meta.url),
);

/** Two layers, of which both experts of a token are always there. */
const PLAN = {
  slots: [4, 4],
  residentLayers: [0, 1],
  stores: [],
  vramByteLength: 4096,
} as Partial<DeviceParts["plan"]> as DeviceParts["plan"];

/** What the fake does. */
export interface FakeEngineOptions {
  /** The most positions. */
  readonly contextLength?: number;
  /** The most tokens of a prompt that run at once. */
  readonly chunkSize?: number;
  /** Called before each run. */
  readonly onRun?: (ids: readonly number[]) => void | Promise<void>;
  /** Called before the model is loaded again, if its device was lost. */
  readonly onReload?: () => Promise<void>;
  /** Whether texts end by themselves. */
  readonly endsTexts?: boolean;
}

/**
 * Makes an engine whose next token depends on the last four ids: the same prompt and
 * seed give the same text. Tokenizer, chat template, sampler and token loop are real.
 *
 * @param options What it does.
 * @returns The engine.
 */
export async function fakeEngine(
  {
    contextLength = 512,
    chunkSize = 64,
    onRun = () => {},
    onReload = () => Promise.resolve(),
    endsTexts = true,
  }: FakeEngineOptions = {},
): Promise<Engine> {
  const text = await readTextFiles(FOLDER);
  const { vocabSize } = text.tokenizer!;
  const eosId = text.tokenizer!.eosId!;
  let cache: number[] = [];
  const model = {
    contextLength,
    chunkSize,
    config: {
      vocabSize,
      numHiddenLayers: 2,
      numLocalExperts: 4,
      numExpertsPerTok: 2,
    },
    offloadStats: null,
    watch: new ExpertWatch(),
    caches: [],
    async forward(ids: readonly number[], position: number) {
      await onRun(ids);
      cache = [...cache.slice(0, position), ...ids];
      for (const layer of PLAN.residentLayers) {
        model.watch.tell({
          layer,
          phase: ids.length === 1 ? "decode" : "prefill",
          hits: [ids[0]! % 4, (ids[0]! + 1) % 4],
          misses: [],
          prefetched: [],
          wasted: [],
        });
      }
      const logits = new Float32Array(vocabSize).fill(-20);
      const seed = cache.slice(-4).reduce(
        (sum, id) => (sum * 4099 + id) % 2 ** 40,
        cache.length,
      );
      const random = seededRandom(seed);
      for (let i = 0; i < 12; i++) {
        const id = 259 + Math.floor(random() * (vocabSize - 259));
        logits[id] = 3 * random();
      }
      logits[eosId] = endsTexts ? 1 : -20;
      return logits;
    },
  };
  const parts = (): DeviceParts => ({
    plan: PLAN,
    gpu: { name: "no GPU", lost: null },
    model: model as unknown as DeviceParts["model"],
    profile: null,
    [Symbol.dispose]() {},
  });
  return new Engine({
    ...text,
    name: "fake",
    device: parts(),
    reload: async () => {
      await onReload();
      return parts();
    },
    watch: model.watch,
    promptCacheBytes: 0,
    owned: new DisposableStack(),
  });
}
