import { assertEquals } from "@std/assert";
import { countParameters } from "./count_parameters.ts";
import { syntheticConfig } from "./synthetic_shapes.ts";

Deno.test("countParameters() counts those of Mixtral-8x7B", () => {
  const config = syntheticConfig("mixtral-8x7b");
  const counts = countParameters(config);
  assertEquals(counts.experts, 32 * 8 * 3 * 4096 * 14336);
  assertEquals(counts.attn, 32 * (2 * 4096 + 2 * 1024) * 4096);
  // As in the index of mistralai/Mixtral-8x7B-v0.1: 93,405,585,408 bytes of bfloat16.
  assertEquals(counts.total, 46_702_792_704);
  const tied = countParameters({ ...config, tieWordEmbeddings: true });
  assertEquals(counts.total - tied.total, 32_000 * 4096);
});
