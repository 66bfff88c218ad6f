/** Which tensors of a quantized model go to which file. Names and numbers only. */

import type { Checkpoint } from "../io/checkpoint.ts";
import { tensorByteLength, type TensorSpec } from "../io/tensor_spec.ts";
import type { MatrixLayout } from "../ops/matrix.ts";
import type { ModelConfig } from "./config.ts";
import { modelMatrices, type ModelMatrix } from "./model_matrices.ts";
import { storedSpecs } from "./stored_tensors.ts";
import type { MatrixReader } from "./weights.ts";

/** A tensor that stays as it is, or a matrix that becomes several. */
export interface PlannedItem {
  /** The tensor's name in the source, or the matrix's without an end. */
  readonly name: string;
  /** How the matrix is quantized; `null` for a tensor that stays as it is. */
  readonly layout: MatrixLayout | null;
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
  // The layouts also check that each matrix is there and fits.
  const matrices = new Map(
    modelMatrices(config).map((matrix) => {
      const { base, shape, part } = matrix;
      const layout = reader.layout(base, shape, part);
      return [base, { ...matrix, layout }] as const;
    }),
  );
  const trunk: PlannedItem[] = [];
  const experts: PlannedItem[][] = Array.from(
    { length: config.numHiddenLayers },
    () => [],
  );
  const all: PlannedItem[] = [];
  const planned = new Set<string>();
  for (const name of checkpoint.names()) {
    const matrix = matrixOf(name, matrices);
    const item = matrix?.layout.scheme.type === "HQQ"
      ? matrixItem(matrix)
      : tensorItem(checkpoint.info(name));
    // A matrix of a quantized source has several tensors.
    if (planned.has(item.name)) continue;
    planned.add(item.name);
    all.push(item);
    (matrix?.part === "experts" ? experts[matrix.layer]! : trunk).push(item);
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

/** The matrix that a tensor belongs to, if any. */
function matrixOf<T>(name: string, matrices: Map<string, T>): T | undefined {
  for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
    const matrix = matrices.get(name.slice(0, end));
    if (matrix !== undefined) return matrix;
  }
  return undefined;
}

function matrixItem(
  { base, layout }: ModelMatrix & { layout: MatrixLayout },
): PlannedItem {
  return {
    name: base,
    layout,
    specs: storedSpecs(base, layout),
    weightCount: layout.N * layout.K,
  };
}

function tensorItem({ name, dtype, shape }: TensorSpec): PlannedItem {
  const weightCount = shape.reduce((product, n) => product * n, 1);
  return { name, layout: null, specs: [{ name, dtype, shape }], weightCount };
}

function byteLengthOf(items: readonly PlannedItem[]): number {
  return items.flatMap(({ specs }) => specs)
    .reduce((sum, spec) => sum + tensorByteLength(spec), 0);
}
