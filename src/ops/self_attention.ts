/** Rotary positions, the KV cache and attention together. */

import type { Gpu } from "../gpu/device.ts";
import { attention, attentionByToken, ropeKv } from "./attention.ts";
import {
  attentionDecode,
  type AttentionDecodeOptions,
} from "./attention_decode.ts";
import { attentionSplit, isSplit } from "./attention_split.ts";
import { byTokenCount, choice, type Op, sequence } from "./op.ts";

/** Options for {@linkcode selfAttention}. */
export type SelfAttentionOptions = AttentionDecodeOptions & {
  /**
   * Where q, k and v of a single token are.
   *
   * @default {undefined} in the first of their rows
   */
  readonly one?: Pick<AttentionDecodeOptions, "q" | "k" | "v"> | undefined;
  /**
   * Room for a long context of a single token: `attentionPartsByteLength()`.
   *
   * @default {undefined} it is never split
   */
  readonly parts?: GPUBuffer | undefined;
};

/**
 * Rotates q and k, appends k and v to the cache, and makes
 * y = softmax(q k^T / sqrt(D)) v, causal.
 *
 * One token takes `attention_decode.wgsl`, which does it all, where the heads fit
 * the GPU's subgroups. Where it sees many positions, they are split among more
 * workgroups.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op.
 */
export async function selfAttention(
  gpu: Gpu,
  options: SelfAttentionOptions,
): Promise<Op> {
  const { parts, window } = options;
  const forOne = { ...options, ...options.one };
  const whole = await attentionDecode(gpu, forOne) ??
    sequence("attention", [
      await ropeKv(gpu, forOne),
      await attentionByToken(gpu, forOne),
    ]);
  const split = parts === undefined
    ? null
    : await attentionSplit(gpu, { ...forOne, parts });
  const decode = split === null ? whole : choice(
    whole.name,
    (_, position) => isSplit(position, window) ? split : whole,
  );
  const prefill = [await ropeKv(gpu, options), await attention(gpu, options)];
  return byTokenCount(decode, sequence("attention", prefill));
}
