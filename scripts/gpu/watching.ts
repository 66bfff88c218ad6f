// deno-lint-ignore-file no-console
/**
 * What it costs that somebody may look on, or does: tokens a second of a made-up
 * Mixtral, greedy (the GPU picks, and runs ahead) and sampled.
 *
 * deno run -A scripts/gpu/watching.ts [--slots 8,3] [--tokens 96] [--runs 3]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { type Engine, loadSynthetic } from "../../mod.ts";

const args = parseArgs(Deno.args, {
  string: ["slots"],
  default: { slots: "8,3", tokens: 96, runs: 3 },
});

/** Tokens a second after the first, each run. */
async function rates(engine: Engine, temperature: number): Promise<number[]> {
  const found: number[] = [];
  for (let run = 0; run <= Number(args.runs); run++) {
    const options = {
      temperature,
      seed: run,
      maxTokens: Number(args.tokens),
      ignoreEos: true,
    };
    const prompt = Array.from({ length: 16 }, (_, i) => 100 + i * 7 + run);
    for await (const { final } of engine.generate(prompt, options)) {
      if (final && run > 0) found.push(final.decodeTokensPerSecond!);
    }
  }
  return found;
}

function shown(values: readonly number[]): string {
  const median = values.toSorted((a, b) => a - b)[values.length >> 1]!;
  return `${median.toFixed(1)} (${
    values.map((value) => value.toFixed(1)).join(" ")
  })`;
}

console.log("slots  watchable  watched  greedy tok/s  sampled tok/s");
for (const slots of String(args.slots).split(",").map(Number)) {
  for (const watchable of [false, true]) {
    using engine = await loadSynthetic("mixtral-8x7b", {
      slots,
      watchable,
      contextLength: 1024,
    });
    for (const isWatched of watchable ? [false, true] : [false]) {
      let uses = 0;
      using _watch = isWatched
        ? engine.experts.watch(({ hits, misses }) => {
          uses += hits.length + misses.length;
        })
        : null;
      const greedy = await rates(engine, 0);
      const sampled = await rates(engine, 0.8);
      console.log(
        [slots, watchable, isWatched, shown(greedy), shown(sampled), uses]
          .join("  "),
      );
    }
  }
}
