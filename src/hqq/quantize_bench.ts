/**
 * `deno bench src/hqq`: quantizing and dequantizing a matrix of 4 M weights as
 * mixtral-offloading does. Divide 4.19 M by the time for weights a second.
 *
 * @module
 */

import { dequantize, quantize } from "./mod.ts";

const shape = [1024, 4096] as const;
const w = normals(shape[0] * shape[1]);

const experts = {
  shape,
  bits: 2,
  groupSize: 16,
  quantScale: {},
  quantZero: {},
} as const;
const attention = {
  shape,
  bits: 4,
  groupSize: 64,
  quantScale: { groupSize: 256 },
  quantZero: {},
} as const;

Deno.bench("quantize 2-bit g16, 1024 x 4096", { n: 5, warmup: 1 }, () => {
  quantize(w, experts);
});

Deno.bench("quantize 4-bit g64, 1024 x 4096", { n: 5, warmup: 1 }, () => {
  quantize(w, attention);
});

const tensor = quantize(w, experts);

Deno.bench("dequantize 2-bit g16, 1024 x 4096", { n: 5, warmup: 1 }, () => {
  dequantize(tensor);
});

/** Normal weights of standard deviation 0.02, by Box and Muller; seed 1. */
function normals(length: number): Float32Array {
  let seed = 1;
  const uniform = () => {
    seed = Math.imul(seed, 1664525) + 1013904223 | 0;
    return ((seed >>> 0) + 1) / (2 ** 32 + 1);
  };
  return Float32Array.from(
    { length },
    () =>
      0.02 * Math.sqrt(-2 * Math.log(uniform())) *
      Math.cos(2 * Math.PI * uniform()),
  );
}
