/**
 * Loading, prefill and decode of the bundled models, end to end.
 *
 * deno task bench bench/generate_bench.ts
 *
 * @module
 */
import { load } from "../mod.ts";

const PROMPT = "Once upon a time, there was a little girl who had a red ball. ";

for (const model of ["stories-17m", "stories-17m-q"]) {
  const directory = new URL(`../models/${model}`, import.meta.url).pathname;
  const group = { group: model };

  Deno.bench(`load ${model}`, group, async () => {
    (await load(directory))[Symbol.dispose]();
  });

  Deno.bench(`prefill 512 tokens, ${model}`, group, async (b) => {
    using engine = await load(directory);
    const ids = engine.tokenizer.encode(PROMPT.repeat(64)).slice(0, 512);
    await run(engine.generate(ids, { maxTokens: 1 }));
    const shifted = [...ids.slice(1), 3]; // shares nothing with what is cached
    b.start();
    await run(engine.generate(shifted, { maxTokens: 1 }));
    b.end();
  });

  Deno.bench(`decode 64 tokens, ${model}`, group, async (b) => {
    using engine = await load(directory);
    const settings = { temperature: 0, ignoreEos: true };
    await run(engine.generate(PROMPT, { ...settings, maxTokens: 8 }));
    b.start();
    await run(engine.generate(PROMPT, { ...settings, maxTokens: 64 }));
    b.end();
  });
}

/** Reads a generation to its end. */
async function run(pieces: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pieces);
}
