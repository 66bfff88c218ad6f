// deno-lint-ignore-file no-console
/**
 * What it takes to keep a conversation in ordinary memory and to bring it back,
 * against running it again: two prompts in turn.
 *
 * deno run -A bench/prompt_cache.ts [<directory>] [--synthetic mixtral-8x7b]
 *   [--tokens 500] [--turns 5] [--slots 4]
 *
 * The first turn runs all tokens; each of the others brings one prompt back, of
 * which only the last token runs. The first time that also keeps the other one,
 * and later nothing has to be kept.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { formatByteLength, load, loadSynthetic } from "../mod.ts";
import type { SyntheticShape } from "../mod.ts";

const args = parseArgs(Deno.args, {
  string: ["synthetic", "slots"],
  default: { tokens: 500, turns: 5 },
});
const tokenCount = Number(args.tokens);
const options = {
  contextLength: tokenCount + 1,
  promptCacheBytes: 64 * 2 ** 30,
  ...args.slots !== undefined && { slots: Number(args.slots) },
};
using engine = args.synthetic === undefined
  ? await load(String(args._[0] ?? "models/stories-17m-q"), options)
  : await loadSynthetic(args.synthetic as SyntheticShape, options);
console.log(`${engine.name} on ${engine.adapter}, ${tokenCount} tokens each`);
const { vocabSize } = engine.config;
/** Two prompts that have not even their first token in common. */
const prompts = [1, 2].map((first) =>
  Array.from(
    { length: tokenCount },
    (_, i) => (first + i * 7919) % vocabSize,
  )
);
for (let turn = 0; turn <= Number(args.turns); turn++) {
  for (const [i, prompt] of prompts.entries()) {
    await report(`turn ${turn}, prompt ${i + 1}`, prompt);
  }
}

/** Runs a prompt, and says what that took. */
async function report(what: string, prompt: readonly number[]): Promise<void> {
  const before = engine.promptCache!;
  const start = performance.now();
  for await (const { final } of engine.generate(prompt, { maxTokens: 1 })) {
    if (final === undefined) continue;
    const ms = performance.now() - start;
    const { totalMs, keeps, hits, byteLength } = engine.promptCache!;
    const moved = [
      ...keeps > before.keeps ? ["kept one"] : [],
      ...hits > before.hits ? ["brought one back"] : [],
    ];
    console.log(
      `${what}: ${final.cachedTokens} tokens cached, ${ms.toFixed(1)} ms, ` +
        `of which ${moved.join(" and ") || "moved none"} ` +
        `${(totalMs - before.totalMs).toFixed(1)} ms; holds ${
          formatByteLength(byteLength)
        }`,
    );
  }
}
