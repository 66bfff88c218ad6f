/** Weights that nobody trained, of any model's shape, tensor by tensor. */

import { float32ToHalves, numberToHalf } from "hqq-ts";
import {
  type SyntheticRouting,
  syntheticRouting,
} from "../offload/synthetic_routing.ts";
import type { HqqScheme } from "../ops/matrix.ts";
import type { ModelConfig } from "./config.ts";
import {
  makeGate,
  type TokenRows,
  writeEmbedding,
  writeLmHead,
} from "./synthetic_embedding.ts";
import {
  cut,
  cutStart,
  makePools,
  MEAN_SCALE_CODE,
  MEAN_ZERO_CODE,
  type Pools,
} from "./synthetic_pool.ts";
import { checkSyntheticConfig } from "./synthetic_shapes.ts";
import { GROUP_SIZES, type Part, type Quantization } from "./quantization.ts";

/** What makes up weights. */
export interface SyntheticWeightsOptions {
  /**
   * Same seed, same weights: a whole number.
   *
   * @default {1}
   */
  seed?: number | undefined;
  /**
   * How the model routes.
   *
   * @default {"random"}
   */
  routing?: SyntheticRouting | undefined;
}

/** The floats of a quantized matrix, as float16. */
export interface SyntheticMeta {
  /** Meta scales. */
  readonly metaScale: Uint16Array<ArrayBuffer>;
  /** Meta zeros. */
  readonly metaZero: Uint16Array<ArrayBuffer>;
  /** The scale of all zeros (1). */
  readonly zeroScale: Uint16Array<ArrayBuffer>;
  /** The zero of all zeros (1). */
  readonly zeroZero: Uint16Array<ArrayBuffer>;
}

/** A matrix W (N, K) by its tensors' name without their suffix. */
export interface SyntheticMatrix {
  /** The name. */
  readonly base: string;
  /** Inputs. */
  readonly K: number;
  /** How it is quantized. */
  readonly scheme: HqqScheme;
  /** How many meta scales it has. */
  readonly metaCount: number;
}

/** Bits of mixtral-offloading's demo, where nobody asks for others. */
export const SYNTHETIC_PARTS: Readonly<Record<Part, Quantization>> = {
  attn: { bits: 4, ...GROUP_SIZES[4] },
  experts: { bits: 2, ...GROUP_SIZES[2] },
};

/**
 * Meta scales take turns: 5e-5, the least that HQQ stores and subnormal as a
 * float16 (0x0347), which published checkpoints are full of; and a normal one.
 */
const META_SCALES = [0x0347, numberToHalf(1e-4)] as const;

/**
 * Makes up weights, to measure speed where a real checkpoint cannot be had. Same
 * seed, same weights; different matrices differ. All are cut from small pools of
 * random numbers, as fast as memory can be written.
 */
export class SyntheticWeights {
  /** What the model is. */
  readonly config: ModelConfig;
  readonly #pools: Pools;
  readonly #rows: TokenRows;
  readonly #metas = new Map<string, SyntheticMeta>();

  /**
   * Constructs weights.
   *
   * @param config What the model is.
   * @param options Seed and routing.
   * @throws {RangeError} If the model cannot be made up, or cannot route so.
   */
  constructor(config: ModelConfig, options: SyntheticWeightsOptions = {}) {
    const { seed = 1, routing = "random" } = options;
    if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)) {
      throw new RangeError(
        `Cannot make up a model: the seed is ${seed}, wanted a whole number from 0 to 2147483647`,
      );
    }
    checkSyntheticConfig(config);
    this.config = config;
    this.#pools = makePools(seed);
    this.#rows = {
      config,
      pools: this.#pools,
      routing: syntheticRouting(routing, {
        layerCount: config.numHiddenLayers,
        expertCount: config.numLocalExperts,
        topK: config.numExpertsPerTok,
        vocabSize: config.vocabSize,
        seed,
      }),
    };
  }

  /**
   * Writes codes of weights, scales or zeros.
   *
   * @param matrix The matrix.
   * @param key Which of them.
   * @param into Where to: all of them, packed.
   */
  writeCodes(
    { base, scheme }: SyntheticMatrix,
    key: "codes" | "scaleCodes" | "zeroCodes",
    into: Uint8Array,
  ): void {
    const start = cutStart(`${base} ${key}`);
    if (key !== "codes") return cut(this.#pools[key], start, into);
    if (scheme.bits !== 3) return cut(this.#pools.codes, start, into);
    const { buffer, byteOffset, byteLength } = into;
    const words = new Uint32Array(buffer, byteOffset, byteLength / 4);
    cut(this.#pools.codes3, start, words);
  }

  /**
   * Makes the scales and zeros of the codes of scales and zeros. They keep the
   * size of a product about that of its input, and what a layer adds small.
   *
   * @param matrix The matrix.
   * @returns Its meta scales and zeros; not to be changed.
   */
  meta({ base, K, scheme, metaCount }: SyntheticMatrix): SyntheticMeta {
    const deviation = weightDeviation(base, K);
    const key = [deviation, metaCount, scheme.bits].join();
    let meta = this.#metas.get(key);
    if (meta === undefined) {
      meta = makeMeta(scheme.bits, { deviation, metaCount });
      this.#metas.set(key, meta);
    }
    return meta;
  }

  /**
   * Writes a float16 matrix.
   *
   * @param name The tensor's name, with or without `.weight`.
   * @param K Its inputs.
   * @param into Where to: (N, K).
   */
  writeHalves(name: string, K: number, into: Uint16Array): void {
    const base = name.replace(/\.weight$/, "");
    if (base === "model.embed_tokens") return writeEmbedding(this.#rows, into);
    if (base === "lm_head") return writeLmHead(this.#rows, into);
    if (isFloatTensor(base)) {
      into.set(float32ToHalves(this.floats(base)));
      return;
    }
    const pool = this.#pools.halves(weightDeviation(base, K));
    cut(pool, cutStart(base), into);
  }

  /**
   * Makes a norm, all ones, or a router.
   *
   * @param name The tensor's name, with or without `.weight`.
   * @returns Its elements.
   */
  floats(name: string): Float32Array<ArrayBuffer> {
    const gate = /layers\.(\d+)\.block_sparse_moe\.gate(\.weight)?$/.exec(name);
    if (gate !== null) return makeGate(this.config, Number(gate[1]));
    return new Float32Array(this.config.hiddenSize).fill(1);
  }
}

/** Norms and routers. */
function isFloatTensor(base: string): boolean {
  return /norm$|\.gate$/.test(base);
}

/** What keeps the size of a product; a quarter where it is added to x. */
function weightDeviation(base: string, K: number): number {
  return (/\.(o_proj|w2)$/.test(base) ? 0.25 : 1) / Math.sqrt(K);
}

function makeMeta(
  bits: number,
  { deviation, metaCount }: { deviation: number; metaCount: number },
): SyntheticMeta {
  // Codes are spread evenly over 0...2^bits - 1.
  const scale = deviation / Math.sqrt((4 ** bits - 1) / 12);
  const metaScale = new Uint16Array(metaCount);
  const metaZero = new Uint16Array(metaCount);
  const zeros = META_SCALES.map((half) => {
    const [metaScale] = new Float16Array(Uint16Array.of(half).buffer);
    return numberToHalf(MEAN_SCALE_CODE - scale / metaScale!);
  });
  for (let i = 0; i < metaCount; i++) {
    metaScale[i] = META_SCALES[i % META_SCALES.length]!;
    metaZero[i] = zeros[i % META_SCALES.length]!;
  }
  const middle = (2 ** bits - 1) / 2;
  return {
    metaScale,
    metaZero,
    zeroScale: Uint16Array.of(numberToHalf(middle / MEAN_ZERO_CODE)),
    zeroZero: Uint16Array.of(0),
  };
}
