// deno-lint-ignore-file no-console
/**
 * A model of Mixtral-8x7B's size answers alike whoever decides on its experts: ids
 * and log-probabilities of sampled tokens, with prompts between them.
 *
 * deno run -A scripts/gpu/compare_residency.ts [--tokens 150] [--slots 3]
 *   [--synthetic mixtral-8x7b]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { loadSynthetic, type SyntheticShape } from "../../mod.ts";

const flags = parseArgs(Deno.args, {
  default: { tokens: 150, slots: 3, synthetic: "mixtral-8x7b" },
});
const slots = Number(flags.slots);

/** What an answer consists of. */
type Answer = { ids: number[]; odds: number[]; hits: number; misses: number };

async function answer(
  options: Parameters<typeof loadSynthetic>[1],
): Promise<Answer> {
  using engine = await loadSynthetic(flags.synthetic as SyntheticShape, {
    routing: { hitRate: 0.6, slots: 3 },
    contextLength: 1024,
    ...options,
  });
  const all: Answer = { ids: [], odds: [], hits: 0, misses: 0 };
  let prompt = [1, 2, 3, 4, 5];
  for (let turn = 0; turn < 3; turn++) {
    const settings = {
      maxTokens: Number(flags.tokens) / 3,
      temperature: turn === 2 ? 0 : 1,
      topK: 0,
      seed: turn,
      ignoreEos: true,
      ...(turn === 1 && { logprobs: 0 }),
    };
    for await (
      const { id, logprob, final } of engine.generate(prompt, settings)
    ) {
      if (id !== null) all.ids.push(id);
      if (logprob !== undefined) all.odds.push(logprob);
      for (const layer of final?.offload?.layers ?? []) {
        all.hits += layer.hits;
        all.misses += layer.misses;
      }
    }
    // Goes on from the answer, with a prompt of many tokens.
    prompt = [...prompt, ...all.ids.slice(-20), ...Array(30).keys()];
  }
  return all;
}

const expected = await answer({ slots: 8 });
let isSame = true;
for (
  const options of [
    { slots, residency: "gpu", prefetch: "off" },
    { slots, residency: "gpu", prefetch: "next-layer" },
    { slots, residency: "cpu", prefetch: "off" },
    { slots: slots + 2, residency: "gpu", policy: "class-lru" },
  ] as const
) {
  const { ids, odds, hits, misses } = await answer(options);
  const same = ids.join() === expected.ids.join() &&
    odds.join() === expected.odds.join();
  isSame &&= same;
  console.log(
    `${
      JSON.stringify(options)
    }: ${ids.length} tokens, ${odds.length} log-probabilities, ${
      same ? "the same as" : "NOT the same as"
    } with all experts on the GPU; ${hits} hits, ${misses} misses`,
  );
}
Deno.exit(isSame ? 0 : 1);
