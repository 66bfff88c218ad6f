/** Models of finite weights that overflow at a certain token, in a certain part. */

import { type Harm, harmAll, harmFloats } from "./_harm.ts";

/** The token at which it overflows. */
export const BAD_TOKEN = 13;
/** After each of them comes the next, whatever else the model thinks. */
export const CHAIN: readonly number[] = [17, 18, 19, 20, BAD_TOKEN];

/** Where the bad token has a one in the residual stream, and others a zero. */
const BAD_CHANNEL = 5;
/** The same for the tokens of the chain but for the last. */
const CHAIN_CHANNELS = [6, 7, 8, 9];
const CHANNELS = [BAD_CHANNEL, ...CHAIN_CHANNELS];

/** Parts that can overflow. */
export type OverflowPart = "attention" | "router" | "experts" | "lm_head";

/**
 * Makes a part of a model overflow at {@linkcode BAD_TOKEN}, and only there.
 *
 * @param part The part.
 * @param options The layer, unless it is the head, and how wide x is.
 * @returns What to do to its tensors.
 */
export function overflow(
  part: OverflowPart,
  { layer = 0, width }: { layer?: number; width: number },
): Harm {
  const base = `layers.${layer}`;
  const scale = (name: string, factor: number) =>
    harmFloats(`${name}.weight`, (values) => {
      values[BAD_CHANNEL] = factor;
      return values;
    });
  const harms: Record<OverflowPart, () => Harm[]> = {
    // Scores are products of two: 1e30 * 1e30.
    attention: () => [scale(`${base}.input_layernorm`, 1e30)],
    // W1 x and W3 x are multiplied, the router's logits are not.
    experts: () => [scale(`${base}.post_attention_layernorm`, 1e25)],
    router: () => [
      scale(`${base}.post_attention_layernorm`, 1e10),
      channel(`${base}.block_sparse_moe.gate`, width, () => 3e38),
      // Experts see nothing of it.
      channel(`${base}.block_sparse_moe.experts.0.w1`, width, () => 0),
    ],
    "lm_head": () => [
      scale("model.norm", 1e10),
      channel("lm_head", width, () => 3e38),
    ],
  };
  return harmAll(chain(width), ...harms[part]());
}

/** Keeps some channels free, gives them to tokens, and has a token follow another. */
function chain(width: number): Harm {
  const clearRows = (name: string) =>
    harmFloats(`${name}.weight`, (values) => {
      const inner = values.length / width;
      for (const row of CHANNELS) {
        values.fill(0, row * inner, (row + 1) * inner);
      }
      return values;
    });
  const tokenOf = new Map(
    CHAIN_CHANNELS.map((channel, i) => [CHAIN[i]!, channel] as const),
  );
  tokenOf.set(BAD_TOKEN, BAD_CHANNEL);
  return harmAll(
    clearRows("o_proj"),
    clearRows("w2"),
    harmFloats("embed_tokens.weight", (values) => {
      for (let at = 0; at < values.length; at += width) {
        for (const i of CHANNELS) values[at + i] = 0;
        const own = tokenOf.get(at / width);
        if (own !== undefined) values[at + own] = 1;
      }
      return values;
    }),
    harmFloats("lm_head.weight", (values) => {
      for (let at = 0; at < values.length; at += width) {
        for (const i of CHANNELS) values[at + i] = 0;
        const place = CHAIN.indexOf(at / width);
        if (place > 0) values[at + CHAIN_CHANNELS[place - 1]!] = 1000;
      }
      return values;
    }),
  );
}

/** Sets a column of a matrix. */
function channel(
  name: string,
  width: number,
  fn: (row: number) => number,
): Harm {
  return harmFloats(`${name}.weight`, (values) => {
    for (let row = 0; row < values.length / width; row++) {
      values[row * width + BAD_CHANNEL] = fn(row);
    }
    return values;
  });
}
