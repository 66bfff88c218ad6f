/** A model of a few layers whose routing can be told: what stands in for a large one. */

import type { ModelConfig } from "../../model/config.ts";
import { readExpertLayout } from "../../model/upload.ts";
import { SyntheticReader } from "../../model/synthetic_reader.ts";
import { SyntheticWeights } from "../../model/synthetic_weights.ts";
import {
  GROUP_SIZES,
  type Part,
  type Quantization,
} from "../../model/quantization.ts";
import type { MatrixReader } from "../../model/weight_reader.ts";
import type { RoutingTrace } from "../../offload/routing_trace.ts";
import type { MatrixLayout, Scheme } from "../../ops/matrix.ts";

/** What a model is, and how its weights lie. */
export interface ProbedModel {
  /** What the model is. */
  readonly config: ModelConfig;
  /** Its weights, of which only the layouts are looked at. */
  readonly reader: MatrixReader;
}

/** A small model that is timed in place of a large one. */
export interface ProbeModel {
  /** What it is. */
  readonly config: ModelConfig;
  /** Its weights, made up. */
  readonly reader: MatrixReader;
  /** Slots with which {@linkcode ProbeModel.idsOf} tells how many experts miss. */
  readonly slots: number;
  /** The most experts of a layer that a token can miss. */
  readonly missLimit: number;
  /** Two ids: taking turns, each misses so many experts in every layer. */
  readonly idsOf: (misses: number) => readonly [number, number];
}

/**
 * Makes a model of the same shapes and number types, but of fewer layers and
 * experts. Which experts a token is routed to depends on its id alone.
 *
 * @param model The model that it stands for.
 * @param layerCount How many layers it gets.
 * @returns The small model.
 * @throws {RangeError} If weights cannot be made up for these shapes.
 */
export function probeModel(
  { config, reader }: ProbedModel,
  layerCount: number,
): ProbeModel {
  const topK = config.numExpertsPerTok;
  // Twice the experts of a token: all of them can miss.
  const expertCount = Math.min(config.numLocalExperts, 2 * topK);
  const small: ModelConfig = {
    ...config,
    numHiddenLayers: layerCount,
    numLocalExperts: expertCount,
  };
  const missLimit = expertCount - topK;
  const kept = Array.from({ length: topK }, (_, i) => i);
  const routes = [
    kept,
    [...kept.slice(0, -1), Math.min(topK, expertCount - 1)], // one other
    kept.map((i) => i + missLimit), // all others
  ];
  const weights = new SyntheticWeights(small, {
    routing: traceOf(routes, small),
  });
  return {
    config: small,
    reader: readerOf(weights, partsOf({ config, reader })),
    slots: topK,
    missLimit,
    idsOf: (misses) => [0, misses === 0 ? 0 : misses === 1 ? 1 : 2],
  };
}

/** A trace of as many tokens as there are routes, the same in all layers. */
function traceOf(
  routes: readonly (readonly number[])[],
  config: ModelConfig,
): RoutingTrace {
  const { numHiddenLayers: layerCount, numExpertsPerTok: topK } = config;
  const experts = routes.flatMap((route) =>
    Array.from({ length: layerCount }, () => route).flat()
  );
  return {
    model: "probe",
    layerCount,
    expertCount: config.numLocalExperts,
    topK,
    guessCount: 0,
    tokenCount: routes.length,
    kinds: new Uint8Array(routes.length),
    experts: Uint16Array.from(experts),
    weights: new Float32Array(experts.length).fill(1 / topK),
    guesses: new Uint16Array(0),
  };
}

/** How the parts of a model are quantized. */
function partsOf(
  { config, reader }: ProbedModel,
): Record<Part, Quantization> {
  const q = [config.numAttentionHeads * config.headDim, config.hiddenSize];
  const attn = reader.layout(
    "model.layers.0.self_attn.q_proj",
    q as [number, number],
    "attn",
  );
  return {
    attn: quantizationOf(attn.scheme),
    experts: quantizationOf(readExpertLayout(reader, config).up.scheme),
  };
}

function quantizationOf(scheme: Scheme): Quantization {
  return scheme.type === "HQQ" ? scheme : { bits: 16, ...GROUP_SIZES[16] };
}

/** Bytes whose words are codes of every width: no 3-bit word has its top bits. */
const CODE_BYTE = 0x11;

/** So small that what layers add does not change how tokens are routed. */
const TINY_SCALE = 1e-6;

/** Made-up weights in every layout, also those whose scales are floats. */
function readerOf(
  weights: SyntheticWeights,
  parts: Record<Part, Quantization>,
): MatrixReader {
  const inner = new SyntheticReader(weights, parts);
  return {
    floatLayout: (name, shape) => inner.floatLayout(name, shape),
    layout: (base, shape, part) => inner.layout(base, shape, part),
    readFloats: (name) => inner.readFloats(name),
    write(base, layout, into) {
      const { scheme } = layout;
      return scheme.type === "HQQ" && scheme.scaleGroupSize === null
        ? Promise.resolve(writeFlat(layout, into))
        : inner.write(base, layout, into);
    },
  };
}

/** Any codes, with scales that make next to nothing of them. */
function writeFlat({ scaleAt, zeroAt }: MatrixLayout, into: Uint8Array): void {
  into.fill(CODE_BYTE, 0, scaleAt * 4);
  const floats = new Float32Array(
    into.buffer,
    into.byteOffset + scaleAt * 4,
    into.byteLength / 4 - scaleAt,
  );
  floats.fill(TINY_SCALE, 0, zeroAt - scaleAt);
  floats.fill(0, zeroAt - scaleAt);
}
