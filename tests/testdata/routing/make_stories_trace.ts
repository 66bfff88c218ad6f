/**
 * Records the routing of the bundled stories-17m over stories it was not
 * trained on, with the plain loops of `src/model/plain_math.ts`:
 *
 * `deno run -A tests/testdata/routing/make_stories_trace.ts`
 *
 * @module
 */

import { TraceWriter } from "../../../src/offload/trace_writer.ts";
import { Tokenizer } from "../../../src/text/tokenizer.ts";
import { readReferenceWeights } from "../../_reference_weights.ts";
import { referenceRouting } from "../../_reference_routing.ts";

const MODEL = new URL("../../../models/stories-17m", import.meta.url).pathname;
const OUTPUT = new URL("stories_17m.trace", import.meta.url);
const GUESS_COUNT = 3;
const TOKEN_COUNT = 512;

const weights = await readReferenceWeights(MODEL);
const { config, layers } = weights;
const text = await Deno.readTextFile(`${MODEL}/eval_stories.txt`);
const tokenizer = Tokenizer.fromJson(
  JSON.parse(await Deno.readTextFile(`${MODEL}/tokenizer.json`)),
  JSON.parse(await Deno.readTextFile(`${MODEL}/tokenizer_config.json`)),
);
const ids = tokenizer.encode(text).slice(0, TOKEN_COUNT);
const writer = new TraceWriter({
  model: "stories-17m",
  layerCount: layers.length,
  expertCount: config.numLocalExperts,
  topK: config.numExpertsPerTok,
  guessCount: GUESS_COUNT,
});
const options = { depths: [1], guessCount: GUESS_COUNT };
for (const routings of referenceRouting(weights, ids, options)) {
  const token = writer.addTokens(1, "decode");
  let guess: number[] = [];
  for (const [layer, { experts, weights, guesses }] of routings.entries()) {
    writer.record({ token, layer, experts, weights, guess });
    guess = guesses.get(1) ?? [];
  }
}
await Deno.writeFile(OUTPUT, writer.take());
