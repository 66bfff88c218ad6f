/** What suites make their ops from: a GPU, and the shapes of a model that fits it. */

import { type ModelConfig, parseConfig } from "../src/model/config.ts";
import { seededRandom } from "../src/engine/random.ts";
import { randomMatrices } from "../src/engine/random_weights.ts";
import type { Gpu } from "../src/gpu/device.ts";
import { syntheticConfig } from "../src/model/synthetic_shapes.ts";
import {
  type ExpertLayout,
  expertLayout,
  type ExpertScratch,
  makeExpertScratch,
} from "../src/ops/expert_layout.ts";
import {
  type HqqScheme,
  type Matrix,
  type MatrixLayout,
  matrixLayout,
  type Scheme,
} from "../src/ops/matrix.ts";
import { makeRouting, type Routing } from "../src/ops/moe.ts";
import { makeRows, type Rows } from "../src/ops/op.ts";
import { makeStepBuffers, type StepBuffers } from "../src/ops/step.ts";
import stories from "../models/stories-17m-q/config.json" with { type: "json" };
import type { Timed } from "./_time.ts";

/** What a case makes: ops that do the same work. */
export interface BenchOps extends Partial<Timed> {
  /** The ops. */
  readonly ops: Timed["ops"];
  /** Bytes that one has to move, each once. */
  readonly byteLength?: number;
  /** Float32 operations that one has to do. */
  readonly flops?: number;
  /** Buffers to destroy that the scope of the GPU knows nothing of. */
  readonly owned?: readonly GPUBuffer[];
}

/** Something that is timed. */
export interface BenchCase {
  /** Its name: role, shape, what is special. */
  readonly name: string;
  /**
   * Makes the ops, in a scope of the GPU that frees their buffers.
   *
   * @returns The ops; `null` if the device or its model has nothing of the kind.
   */
  readonly make: (lab: Lab) => Promise<BenchOps | null>;
}

/** Bytes of which caches hold a small part. */
const COLD_BYTE_LENGTH = 256 * 2 ** 20;
/** The most buffers of a case. */
const COPY_LIMIT = 64;

/** A GPU and a model's shapes: Mixtral-8x7B's, or on the CPU those of a toy. */
export interface Lab {
  /** The GPU. */
  readonly gpu: Gpu;
  /** The model. */
  readonly config: ModelConfig;
  /** How its attention is quantized. */
  readonly attention: HqqScheme;
  /** How its experts are quantized. */
  readonly experts: HqqScheme;
  /** How an expert lies. */
  readonly expertLayout: ExpertLayout;
  /** The most tokens of a step. */
  readonly tokenLimit: number;
  /** The step that ops read. */
  readonly step: StepBuffers;
}

/** What a lab is made for. */
export interface LabShape extends Pick<Lab, "config"> {
  /** How attention and experts are quantized, along axis 0. */
  readonly schemes: Readonly<
    Record<"attention" | "experts", Omit<HqqScheme, "type" | "axis">>
  >;
  /** The most tokens of a step. */
  readonly tokenLimit: number;
}

const BITS_4 = { bits: 4, groupSize: 64, scaleGroupSize: 256 } as const;
const BITS_2 = { bits: 2, groupSize: 16, scaleGroupSize: 128 } as const;

/** Mixtral-8x7B, or on the CPU the bundled toy. */
function shapeFor({ isSoftware }: Gpu): LabShape {
  return isSoftware
    ? {
      config: parseConfig(stories, "models/stories-17m-q/config.json"),
      schemes: { attention: BITS_4, experts: BITS_4 },
      tokenLimit: 128,
    }
    : {
      config: syntheticConfig("mixtral-8x7b"),
      schemes: { attention: BITS_4, experts: BITS_2 },
      tokenLimit: 2048,
    };
}

/**
 * Makes a lab.
 *
 * @param gpu The GPU.
 * @param shape What it is made for, if not for what fits the GPU.
 * @returns The lab.
 */
export function makeLab(gpu: Gpu, shape: LabShape = shapeFor(gpu)): Lab {
  const { config, schemes, tokenLimit } = shape;
  const attention = { type: "HQQ", axis: 0, ...schemes.attention } as const;
  const experts = { type: "HQQ", axis: 0, ...schemes.experts } as const;
  const { hiddenSize, intermediateSize } = config;
  return {
    gpu,
    config,
    attention,
    experts,
    expertLayout: expertLayout(
      matrixLayout("W1", [intermediateSize, hiddenSize], experts),
      matrixLayout("W2", [hiddenSize, intermediateSize], experts),
    ),
    tokenLimit,
    step: makeStepBuffers(gpu, tokenLimit),
  };
}

/**
 * How many copies of some bytes caches do not hold.
 *
 * @param lab The lab.
 * @param byteLength The bytes.
 * @returns How many, at least one.
 */
export function coldCopies({ gpu }: Lab, byteLength: number): number {
  if (gpu.isSoftware) return 1;
  return Math.min(Math.ceil(COLD_BYTE_LENGTH / byteLength), COPY_LIMIT);
}

/**
 * Makes a random matrix, as often as caches do not hold it.
 *
 * @param lab The lab.
 * @param shape Outputs and inputs.
 * @param scheme How its numbers are written.
 * @returns The same matrix in several buffers.
 */
export function coldMatrices(
  lab: Lab,
  shape: readonly [number, number],
  scheme: Scheme,
): Matrix[] {
  const layout = matrixLayout("bench", shape, scheme);
  const count = coldCopies(lab, layout.wordCount * 4);
  return randomMatrices(lab.gpu, layout, count)
    .map((buffer) => ({ buffer, layout }));
}

/**
 * Makes rows of some width.
 *
 * @param lab The lab.
 * @param width Floats of a row.
 * @param rowCount How many rows.
 * @returns The rows.
 */
export function rows(lab: Lab, width: number, rowCount = 1): Rows {
  return makeRows(lab.gpu, "rows", [rowCount, width]);
}

/** Random floats; more than these are the same ones over and over. */
const RANDOM_COUNT = 2 ** 18;

let randomBytes: Uint8Array<ArrayBuffer> | null = null;

/** Floats from -1 to 1, the same each time, made once. */
function randomFloats(): Uint8Array<ArrayBuffer> {
  const random = seededRandom(1);
  const next = () => 2 * random() - 1;
  randomBytes ??= new Uint8Array(
    Float32Array.from({ length: RANDOM_COUNT }, next).buffer,
  );
  return randomBytes;
}

/**
 * Fills a buffer with random floats from -1 to 1: zeros can be faster.
 *
 * @param lab The lab.
 * @param buffer The buffer.
 */
export function fillRandomly({ gpu }: Lab, buffer: GPUBuffer): void {
  const bytes = randomFloats();
  for (let at = 0; at < buffer.size; at += bytes.length) {
    gpu.upload(buffer, bytes.subarray(0, buffer.size - at), at);
  }
}

/**
 * Makes the routing of some tokens: token t goes to experts 2 t and 2 t + 1, modulo
 * all, so that all get as many rows.
 *
 * @param lab The lab.
 * @param first What is added to the experts.
 * @returns The routing.
 */
export function evenRouting(lab: Lab, first = 0): Routing {
  const { numLocalExperts: expertCount, numExpertsPerTok: topK } = lab.config;
  const { gpu, tokenLimit } = lab;
  const routing = makeRouting(gpu, { tokenLimit, expertCount, topK });
  const ids = Uint32Array.from(
    { length: tokenLimit * topK },
    (_, i) => (i + first) % expertCount,
  );
  gpu.upload(routing.ids, new Uint8Array(ids.buffer));
  return routing;
}

/**
 * Makes room for experts.
 *
 * @param lab The lab.
 * @param layout How an expert lies.
 * @returns The room.
 */
export function expertScratch(
  lab: Lab,
  layout: ExpertLayout = lab.expertLayout,
): ExpertScratch {
  const { config, gpu, tokenLimit } = lab;
  return makeExpertScratch(gpu, {
    layout,
    tokenLimit,
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
    hiddenSize: config.hiddenSize,
    intermediateSize: config.intermediateSize,
  });
}

/**
 * Bytes of a matrix.
 *
 * @param layout How it lies.
 * @returns The bytes.
 */
export function byteLengthOf({ wordCount }: MatrixLayout): number {
  return wordCount * 4;
}
