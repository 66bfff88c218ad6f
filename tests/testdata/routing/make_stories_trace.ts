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
import {
  add,
  attention,
  combine,
  embed,
  matvec,
  rmsNorm,
  rope,
  route,
  swiglu,
} from "../../../src/model/plain_math.ts";

const MODEL = new URL("../../../models/stories-17m", import.meta.url).pathname;
const OUTPUT = new URL("stories_17m.trace", import.meta.url);
const GUESS_COUNT = 3;
const TOKEN_COUNT = 512;

const { config, embedding, layers } = await readReferenceWeights(MODEL);
const { hiddenSize, headDim, ropeTheta, rmsNormEps } = config;
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
const keys: Float64Array[][] = layers.map(() => []);
const values: Float64Array[][] = layers.map(() => []);

for (const [position, id] of ids.entries()) {
  const rotation = { headDim, position, ropeTheta };
  const token = writer.addTokens(1, "decode");
  let x = embed(embedding, id, hiddenSize);
  let guess: number[] = [];
  for (const [i, layer] of layers.entries()) {
    const xb = rmsNorm(x, layer.inputNorm, rmsNormEps);
    const q = rope(matvec(layer.q, xb), rotation);
    keys[i]!.push(rope(matvec(layer.k, xb), rotation));
    values[i]!.push(matvec(layer.v, xb));
    const a = attention(q, keys[i]!, values[i]!, {
      headCount: config.numAttentionHeads,
      kvHeadCount: config.numKeyValueHeads,
      window: config.slidingWindow ?? 0,
    });
    x = add(x, matvec(layer.o, a));
    const xm = rmsNorm(x, layer.postAttentionNorm, rmsNormEps);
    const routing = route(matvec(layer.gate, xm), config.numExpertsPerTok);
    const { ids: experts, weights } = routing;
    writer.record({ token, layer: i, experts, weights, guess });
    const next = layers[i + 1];
    // The next layer's router on this layer's hidden state.
    if (next !== undefined) guess = [...route(matvec(next.gate, xm), 3).ids];
    const y = experts.map((id) => {
      const { w1, w2, w3 } = layer.experts[id]!;
      return matvec(w2, swiglu(matvec(w1, xm), matvec(w3, xm)));
    });
    x = combine(x, y, weights);
  }
}
await Deno.writeFile(OUTPUT, writer.take());
