/** Which tensors of a quantized model go to which file. Names and numbers only. */

import type { Checkpoint } from "../io/checkpoint.ts";
import { tensorByteLength, type TensorSpec } from "../io/tensor_spec.ts";
import type { MatrixLayout } from "../ops/matrix.ts";
import type { ModelConfig } from "./config.ts";
import { matricesOf } from "./matrices.ts";
import { storedSpecs } from "./stored_tensors.ts";
import type { Part } from "./quantization.ts";
import type { MatrixReader } from "./weight_reader.ts";

/** A matrix of the quantized model. */
export interface PlannedMatrix {
  /** The part it belongs to. */
  readonly part: Part;
  /** Its shape, and how it is quantized. */
  readonly layout: MatrixLayout;
}

/** A tensor that stays as it is, or a matrix that becomes several. */
export interface PlannedItem {
  /** The tensor's name in the source, or the matrix's without an end. */
  readonly name: string;
  /** The matrix; `null` for a tensor that stays as it is. */
  readonly matrix: PlannedMatrix | null;
  /** What is stored. */
  readonly specs: readonly TensorSpec[];
  /** Elements, to tell of progress. */
  readonly weightCount: number;
}

/** A file of the quantized model. */
export interface PlannedFile {
  /** Its name. */
  readonly name: string;
  /** What it holds, in order. */
  readonly items: readonly PlannedItem[];
  /** Bytes of its tensors. */
  readonly byteLength: number;
}

/** Models up to this many bytes go to one file. */
const SINGLE_FILE_BYTE_LENGTH = 1e9;

/**
 * Plans the files of a quantized model: one, or one for all but the experts and
 * then one for the experts of each layer. Tensors keep the source's order.
 *
 * @param checkpoint The source.
 * @param reader Reads it, and says how each matrix is wanted.
 * @param options What the model is, and whether to make more than one file;
 * `undefined` for those above 1 GB.
 * @returns The files.
 * @throws {Error} If the source lacks a matrix, or groups do not fit one.
 */
export function planFiles(
  checkpoint: Checkpoint,
  reader: MatrixReader,
  { config, isSharded }: {
    config: ModelConfig;
    isSharded: boolean | undefined;
  },
): PlannedFile[] {
  const matrices = planMatrices(reader, config);
  const trunk: PlannedItem[] = [];
  const experts: PlannedItem[][] = Array.from(
    { length: config.numHiddenLayers },
    () => [],
  );
  const all: PlannedItem[] = [];
  const planned = new Set<string>();
  for (const tensor of checkpoint.names()) {
    const base = baseOf(tensor, matrices);
    const matrix = matrices.get(base);
    const item = matrix?.layout.scheme.type === "HQQ"
      ? matrixItem(base, matrix)
      : tensorItem(checkpoint.info(tensor));
    // A matrix of a quantized source has several tensors.
    if (planned.has(item.name)) continue;
    planned.add(item.name);
    all.push(item);
    (matrix?.part === "experts" ? experts[layerOf(base)]! : trunk).push(item);
  }
  const byteLength = byteLengthOf(all);
  if (!(isSharded ?? byteLength > SINGLE_FILE_BYTE_LENGTH)) {
    return [{ name: "model.safetensors", items: all, byteLength }];
  }
  const files = [trunk, ...experts];
  const digits = (n: number) => String(n).padStart(5, "0");
  return files.map((items, i) => ({
    name: `model-${digits(i + 1)}-of-${digits(files.length)}.safetensors`,
    items,
    byteLength: byteLengthOf(items),
  }));
}

/** Plans the matrices, by their tensors' names without their ends. */
function planMatrices(
  reader: MatrixReader,
  config: ModelConfig,
): Map<string, PlannedMatrix> {
  const matrices = new Map<string, PlannedMatrix>();
  for (const part of ["attn", "experts"] as const) {
    for (const { base, shape } of matricesOf(config, part)) {
      // This also checks that the matrix is there, and that groups fit.
      matrices.set(base, { part, layout: reader.layout(base, shape, part) });
    }
  }
  return matrices;
}

/** The name without its end, if that makes a matrix of it; else the name. */
function baseOf(name: string, matrices: Map<string, PlannedMatrix>): string {
  for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
    const base = name.slice(0, end);
    if (matrices.has(base)) return base;
  }
  return name;
}

function layerOf(base: string): number {
  return Number(/^model\.layers\.(\d+)\./.exec(base)![1]);
}

function matrixItem(name: string, matrix: PlannedMatrix): PlannedItem {
  const { N, K } = matrix.layout;
  return {
    name,
    matrix,
    specs: storedSpecs(name, matrix.layout),
    weightCount: N * K,
  };
}

function tensorItem({ name, dtype, shape }: TensorSpec): PlannedItem {
  const weightCount = shape.reduce((product, n) => product * n, 1);
  return { name, matrix: null, specs: [{ name, dtype, shape }], weightCount };
}

function byteLengthOf(items: readonly PlannedItem[]): number {
  return items.flatMap(({ specs }) => specs)
    .reduce((sum, spec) => sum + tensorByteLength(spec), 0);
}
