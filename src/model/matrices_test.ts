import { assertEquals } from "@std/assert";
import { matricesOf } from "./matrices.ts";
import { syntheticConfig } from "./synthetic_shapes.ts";

Deno.test("matricesOf() names Mixtral's matrices as its checkpoint does", () => {
  const config = syntheticConfig("mixtral-8x7b");
  const attn = [...matricesOf(config, "attn")];
  const experts = [...matricesOf(config, "experts")];
  assertEquals(attn.length, 32 * 4);
  assertEquals(experts.length, 32 * 8 * 3);
  assertEquals(attn.slice(-4), [
    { base: "model.layers.31.self_attn.q_proj", shape: [4096, 4096] },
    { base: "model.layers.31.self_attn.k_proj", shape: [1024, 4096] },
    { base: "model.layers.31.self_attn.v_proj", shape: [1024, 4096] },
    { base: "model.layers.31.self_attn.o_proj", shape: [4096, 4096] },
  ]);
  const expert = "model.layers.31.block_sparse_moe.experts.7";
  assertEquals(experts.slice(-3), [
    { base: `${expert}.w1`, shape: [14_336, 4096] },
    { base: `${expert}.w3`, shape: [14_336, 4096] },
    { base: `${expert}.w2`, shape: [4096, 14_336] },
  ]);
});
