import { assertAlmostEquals, assertEquals } from "@std/assert";
import { ReferenceLogits } from "./divergence.ts";
import { logSumExp } from "./log_sum_exp.ts";
import type { ForetoldToken } from "./perplexity.ts";

function foretold(probabilities: readonly number[], shift = 0): ForetoldToken {
  const logits = Float32Array.from(probabilities, (p) => Math.log(p) + shift);
  return { window: 0, id: 0, logits, normalizer: logSumExp(logits) };
}

Deno.test("ReferenceLogits compares predictions by divergence and by the best", () => {
  const reference = new ReferenceLogits(1000);
  reference.add(foretold([0.5, 0.25, 0.25]));
  reference.add(foretold([0.2, 0.2, 0.6], 7));
  const comparison = reference.compare();
  assertEquals(comparison.result(), null);
  comparison.add(foretold([0.25, 0.5, 0.25], 3));
  comparison.add(foretold([0.2, 0.2, 0.6]));
  comparison.add(foretold([1, 1, 1])); // the reference has no more
  const { kl, topAgreement, tokenCount } = comparison.result()!;
  // 1/2 ln 2 + 1/4 ln 1/2 + 0, and nothing: the mean of both.
  assertAlmostEquals(kl, Math.LN2 / 8, 1e-6);
  assertEquals([topAgreement, tokenCount], [0.5, 2]);
});

Deno.test("ReferenceLogits keeps what there is room for", () => {
  const reference = new ReferenceLogits(24);
  for (let i = 0; i < 3; i++) reference.add(foretold([0.5, 0.25, 0.25]));
  const comparison = reference.compare();
  for (let i = 0; i < 3; i++) comparison.add(foretold([0.5, 0.25, 0.25]));
  const { kl, topAgreement, tokenCount } = comparison.result()!;
  assertAlmostEquals(kl, 0, 1e-7);
  assertEquals([topAgreement, tokenCount], [1, 2]);
  const none = new ReferenceLogits(0).compare();
  none.add(foretold([0.5, 0.5]));
  assertEquals(none.result(), null);
});
