/** q = Wq x, k = Wk x and v = Wv x: one dispatch for one row, where it is possible. */

import type { Gpu } from "../gpu/device.ts";
import qkvStripCode from "../../kernels/qkv_strip.wgsl" with { type: "text" };
import { productCost } from "./cost.ts";
import { inputReading, type NormedInput } from "./input.ts";
import { linear } from "./linear.ts";
import type { Matrix, MatrixLayout } from "./matrix.ts";
import {
  byTokenCount,
  kernelOp,
  type Op,
  resourceOf,
  type Rows,
  sequence,
  withRole,
} from "./op.ts";
import { type StripReading, stripReading } from "./strip.ts";

/** Something for each of q, k and v. */
export interface Heads<T> {
  /** Of the queries. */
  readonly q: T;
  /** Of the keys. */
  readonly k: T;
  /** Of the values. */
  readonly v: T;
}

/** Options for {@linkcode projections}. */
export interface ProjectionsOptions {
  /** The matrices. */
  readonly matrices: Heads<Matrix>;
  /** The rows of x (T, K), under the norm. */
  readonly x: Rows;
  /** What x is the norm of: a single token takes that. */
  readonly beforeNorm: NormedInput;
  /** Where q, k and v go. */
  readonly y: Heads<Rows>;
  /** Where those of a single token go. */
  readonly oneY: Heads<Rows>;
  /** The uniform of the step. */
  readonly step: GPUBuffer;
}

const NAMES = ["q", "k", "v"] as const;

/**
 * Makes q, k and v.
 *
 * A single token takes one dispatch, if the matrices lie in one buffer and are read
 * in strips; else there is a product for each, which need not wait for each other.
 *
 * @param gpu The GPU.
 * @param options The matrices and the rows.
 * @returns The op.
 */
export async function projections(
  gpu: Gpu,
  options: ProjectionsOptions,
): Promise<Op> {
  const { matrices, x, beforeNorm, y, oneY, step } = options;
  const each: Op[] = [];
  for (const name of NAMES) {
    const product = await linear(gpu, {
      matrix: matrices[name],
      x,
      y: y[name],
      oneY: oneY[name],
      step,
      beforeNorm,
    });
    each.push(withRole(name, product));
  }
  const all = sequence("qkv", each);
  const one = await qkvStrip(gpu, options);
  return one === null ? all : byTokenCount(withRole("q, k, v", one), all);
}

/**
 * Makes q, k and v of a single token in one dispatch: `qkv_strip.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The matrices and the rows.
 * @returns The op; `null` if the matrices or the GPU are not made for it.
 */
export function qkvStrip(
  gpu: Gpu,
  { matrices, beforeNorm: { x, norm }, oneY }: Pick<
    ProjectionsOptions,
    "matrices" | "beforeNorm" | "oneY"
  >,
): Promise<Op> | null {
  const places = placesOf(matrices);
  if (places === null) return null;
  const readings = readingsOf(gpu, matrices);
  if (readings === null) return null;
  const { sources, constants } = readings.q;
  const input = inputReading(norm);
  const shapes = shapeTable(gpu, { matrices, places, readings });
  const layouts = NAMES.map((name) => matrices[name].layout);
  const count = NAMES.reduce((sum, n) => sum + readings[n].workgroupCount, 0);
  return kernelOp(gpu, {
    sources: [...sources, input.source, {
      name: "qkv_strip.wgsl",
      code: qkvStripCode,
    }],
    constants: { ...constants, ...input.constants, X_STRIDE: x.stride },
    bindings: {
      0: places.q.buffer,
      1: x.buffer,
      2: oneY.q.buffer,
      3: oneY.k.buffer,
      4: oneY.v.buffer,
      5: shapes,
      ...input.bindings,
    },
    workgroups: () => [count],
    cost: () => productCost({ layouts, pickCount: 1, rowsPerToken: 1 }, 1),
  });
}

/** Where the matrices lie; `null` if not in one buffer. */
function placesOf(
  { q, k, v }: Heads<Matrix>,
): Heads<{ buffer: GPUBuffer; vec4: number }> | null {
  const placeOf = (matrix: Matrix) => {
    const { buffer, offset = 0 } = resourceOf(matrix.buffer);
    return { buffer, vec4: offset / 16 };
  };
  const places = { q: placeOf(q), k: placeOf(k), v: placeOf(v) };
  const { buffer } = places.q;
  const isOne = places.k.buffer === buffer && places.v.buffer === buffer;
  return isOne ? places : null;
}

/** How each is read; `null` if one is not, or not as the others are. */
function readingsOf(
  gpu: Gpu,
  matrices: Heads<Matrix>,
): Heads<StripReading> | null {
  const layouts = NAMES.map((name) => matrices[name].layout);
  const unitCount = qkvUnitCount(gpu, layouts);
  if (unitCount === 0) return null;
  const [q, k, v] = layouts.map((layout) => read(gpu, layout, unitCount)!);
  const readings = { q: q!, k: k!, v: v! };
  const kernelOf = ({ sources, constants }: StripReading) =>
    JSON.stringify([sources.map(({ name }) => name), constants]);
  const isAlike = [readings.k, readings.v].every((reading) =>
    kernelOf(reading) === kernelOf(readings.q)
  );
  return isAlike ? readings : null;
}

/**
 * Tells how many units a workgroup of `qkv_strip.wgsl` works through: as many as the
 * smallest matrix has, at most.
 *
 * @param gpu The GPU.
 * @param layouts How the matrices lie.
 * @returns How many; 0 if one is not read in strips.
 */
export function qkvUnitCount(
  gpu: Gpu,
  layouts: readonly MatrixLayout[],
): number {
  const counts = layouts.map((layout) =>
    read(gpu, layout, gpu.tuning.qkvUnits)?.constants.UNITS ?? 0
  );
  return Math.min(...counts);
}

function read(
  gpu: Gpu,
  layout: MatrixLayout,
  unitCount: number,
): StripReading | null {
  const one = { hasParts: false, matrixCount: 1, fills: false };
  return stripReading(gpu, { ...one, layout, unitCount, hasTable: true });
}

/** The table of `lib/shape_three.wgsl`. */
function shapeTable(
  gpu: Gpu,
  { matrices, places, readings }: {
    matrices: Heads<Matrix>;
    places: Heads<{ vec4: number }>;
    readings: Heads<StripReading>;
  },
): GPUBuffer {
  const words: number[] = [];
  let workgroup = 0;
  for (const name of NAMES) {
    const { N, G, P, scaleAt, zeroAt, metaAt, metaCount } =
      matrices[name].layout;
    const { workgroupCount, residueCount } = readings[name];
    // Must be kept in sync with `Shape` in kernels/lib/shape_three.wgsl.
    words.push(workgroup, places[name].vec4, N, G, P);
    words.push(scaleAt, zeroAt, metaAt, metaCount, residueCount);
    workgroup += workgroupCount;
  }
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  const table = gpu.storageBuffer("shapes of q, k and v", bytes.byteLength);
  gpu.upload(table, bytes);
  return table;
}
