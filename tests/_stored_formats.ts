/** The ways in which tests store models. */

import {
  OFFLOADING,
  type PartFormat,
  type StoredOptions,
} from "./_stored_checkpoint.ts";

/** A way to store a model, and how we are to understand it. */
export interface StoredFormat extends StoredOptions {
  /** What it is, for test names. */
  readonly name: string;
  /** Whether scales of each part stay quantized in memory. */
  readonly keepsMeta: { readonly attn: boolean; readonly experts: boolean };
}

/** 3-bit experts whose rows do not fill words of 10, as `common`. */
const COMMON_EXPERTS: PartFormat = {
  by: "offloading",
  bits: 3,
  axis: 0,
  groupSize: 32,
  scaleGroupSize: 64,
  packing: "common",
};

const hqq = (
  bits: PartFormat["bits"],
  axis: 0 | 1,
  groupSize: number,
  rest: Partial<PartFormat> = {},
): PartFormat => ({
  by: "hqq",
  bits,
  axis,
  groupSize,
  scaleGroupSize: null,
  ...rest,
});

const BOTH = { attn: true, experts: true };
const NONE = { attn: false, experts: false };

/** Each layout that we read, in several variants. */
export const STORED_FORMATS: readonly StoredFormat[] = [
  {
    name: "mixtral-offloading's demo, relative names",
    ...OFFLOADING,
    shards: "relative",
    keepsMeta: BOTH,
  },
  {
    name: "mixtral-offloading's demo, absolute names",
    ...OFFLOADING,
    shards: "absolute",
    keepsMeta: BOTH,
  },
  {
    name: "mixtral-offloading's 4bit-3bit, packed as common",
    attn: { ...OFFLOADING.attn, packing: "common" },
    experts: COMMON_EXPERTS,
    shards: "relative",
    keepsMeta: BOTH,
  },
  {
    name: "mixtral-offloading's with 3 bits packed in blocks",
    attn: OFFLOADING.attn,
    experts: { ...COMMON_EXPERTS, packing: "block" },
    keepsMeta: BOTH,
  },
  {
    name: "mixtral-offloading's experts with plain scales",
    attn: null,
    experts: { ...OFFLOADING.experts, scaleGroupSize: null },
    keepsMeta: NONE,
  },
  {
    name: "mixtral-offloading's with rows of no multiple of 4",
    attn: {
      ...OFFLOADING.attn,
      groupSize: 10,
      scaleGroupSize: 30,
      packing: "common",
    },
    experts: { ...COMMON_EXPERTS, groupSize: 15, scaleGroupSize: 15 },
    config: {
      "hidden_size": 30,
      "num_attention_heads": 3,
      "num_key_value_heads": 1,
      "intermediate_size": 45,
    },
    keepsMeta: BOTH,
  },
  {
    name: "HQQ's along axis 1 at 4 bits, routers too",
    attn: hqq(4, 1, 16),
    experts: hqq(4, 1, 32),
    gates: hqq(4, 1, 16),
    keepsMeta: NONE,
  },
  {
    name: "HQQ's along axis 1 at 8 and 3 bits",
    attn: hqq(8, 1, 64),
    experts: hqq(3, 1, 64),
    keepsMeta: NONE,
  },
  {
    name: "HQQ's along axis 1 at 4 and 2 bits of rows that do not fill words",
    attn: hqq(4, 1, 8),
    experts: hqq(2, 1, 8),
    config: {
      "hidden_size": 64,
      "head_dim": 8,
      "num_attention_heads": 5,
      "num_key_value_heads": 1,
      "intermediate_size": 136,
    },
    keepsMeta: NONE,
  },
  {
    name: "HQQ's along axis 0 at 3 and 2 bits, plain scales",
    attn: hqq(3, 0, 16),
    experts: hqq(2, 0, 16),
    keepsMeta: NONE,
  },
  {
    name: "HQQ's along axis 0 with quantized scales, as the kernels have them",
    attn: hqq(4, 0, 16, { scaleGroupSize: 32 }),
    experts: hqq(2, 0, 16, { scaleGroupSize: 64 }),
    keepsMeta: BOTH,
  },
  {
    name: "HQQ's along axis 0 with zeros quantized in groups",
    attn: hqq(4, 0, 16, { scaleGroupSize: 32, zeroGroupSize: 32 }),
    experts: hqq(8, 0, 16, { scaleGroupSize: 64, zeroGroupSize: 128 }),
    keepsMeta: NONE,
  },
  {
    name: "HQQ's along axis 1 with quantized scales",
    attn: hqq(4, 1, 16, { scaleGroupSize: 32 }),
    experts: hqq(2, 1, 16, { scaleGroupSize: 64, zeroGroupSize: 64 }),
    keepsMeta: NONE,
  },
];
