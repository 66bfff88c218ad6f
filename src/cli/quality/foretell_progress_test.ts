import { assertEquals } from "@std/assert";
import { foretellProgress } from "./foretell_progress.ts";

Deno.test("foretellProgress() says how far, how good, how fast and how long", () => {
  const progress = { doneTokenCount: 1536, tokenCount: 55_296, nll: 1.51 };
  assertEquals(
    foretellProgress(progress, 21.6),
    "1,536 of 55,296 tokens, perplexity 4.53, 71 tok/s, 12 min 37 s left",
  );
  assertEquals(
    foretellProgress({ ...progress, doneTokenCount: 0, nll: NaN }, 0),
    "0 of 55,296 tokens",
  );
});
