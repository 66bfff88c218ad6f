import { assertAlmostEquals, assertEquals } from "@std/assert";
import { logprobs } from "./logprobs.ts";

const LOGITS = new Float32Array([0.1, 0.2, 0.3, 0.4].map(Math.log));

Deno.test("logprobs() is the log-softmax of the raw logits", () => {
  const shifted = LOGITS.map((logit) => logit + 50);
  for (const logits of [LOGITS, shifted]) {
    const { logprob, top } = logprobs(logits, 1, 2);
    assertAlmostEquals(logprob, Math.log(0.2), 1e-5);
    assertEquals(top.map(({ id }) => id), [3, 2]);
    assertAlmostEquals(top[0]!.logprob, Math.log(0.4), 1e-5);
  }
});

Deno.test("logprobs() lists no more than there are", () => {
  assertEquals(logprobs(LOGITS, 0, 0).top, []);
  assertEquals(logprobs(LOGITS, 0, 99).top.length, 4);
});
