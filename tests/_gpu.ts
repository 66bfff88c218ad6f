/** Tests that run on a GPU, and what they read from it. */

import { Gpu, type GpuOptions } from "../src/gpu/device.ts";
import type { KernelSource } from "../src/gpu/kernel.ts";
import type { Op, Rows } from "../src/ops/op.ts";
import { padded } from "../src/ops/padded.ts";
import { type makeStepBuffers, type Step, writeStep } from "../src/ops/step.ts";

/** A GPU for one test. */
export interface TestGpu {
  /** The GPU. */
  readonly gpu: Gpu;
  /** The names of the WGSL files that were asked for so far. */
  readonly compiled: ReadonlySet<string>;
}

/**
 * Registers a test that gets a fresh device and fails on any GPU error. No
 * adapter is a failure, never a silent pass.
 *
 * @param name Symbol and behaviour.
 * @param fn The test.
 * @param options How to open the GPU.
 * @param open What opens it.
 */
export function gpuTest(
  name: string,
  fn: (test: TestGpu) => Promise<void>,
  options: GpuOptions = {},
  open: (options: GpuOptions) => Promise<Gpu> = Gpu.open,
): void {
  Deno.test(name, async () => {
    using gpu = await open(options);
    gpu.device.pushErrorScope("out-of-memory");
    gpu.device.pushErrorScope("validation");
    using compiled = recordKernels(gpu);
    const failure = await fn({ gpu, compiled }).then(
      () => null,
      (error) => error,
    );
    const gpuErrors = [
      await gpu.device.popErrorScope(),
      await gpu.device.popErrorScope(),
    ];
    await settle();
    if (failure !== null) throw failure;
    for (const error of gpuErrors) {
      if (error !== null) throw new Error(error.message);
    }
  });
}

/**
 * Waits for the promises that `Readback` leaves behind, which the test runner
 * takes for leaks: in Deno 2.9 they resolve some 10 ms after they were made.
 *
 * @returns When they have.
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

/** A way in which kernels sum over their workgroup. */
export interface Summing {
  /** How a test's name ends. */
  readonly name: string;
  /** How to open the GPU. */
  readonly options: GpuOptions;
  /** The file that sums so, where the GPU has small subgroups of one size. */
  readonly file: string;
  /** The files that multiply many rows, on the CPU. */
  readonly matmul: readonly string[];
}

const NARROW_MATMUL = ["matmul.wgsl", "lib/matmul_tiles.wgsl"];
/** The files that multiply many rows where workgroups are wide. */
export const WIDE_MATMUL = [
  "matmul_wide.wgsl",
  "lib/matmul_blocks.wgsl",
  "lib/halves_one.wgsl",
  "lib/outer.wgsl",
];

/** All of them. The first gets the most shapes: pipelines take their time. */
export const SUMMING: readonly Summing[] = [
  {
    name: "summed in a subgroup",
    options: { wideWorkgroups: false },
    file: "lib/reduce_subgroup.wgsl",
    matmul: NARROW_MATMUL,
  },
  {
    name: "summed over subgroups",
    options: { wideWorkgroups: true },
    file: "lib/reduce_subgroups.wgsl",
    matmul: WIDE_MATMUL,
  },
  {
    name: "summed without subgroups",
    options: { subgroups: false },
    file: "lib/reduce_workgroup.wgsl",
    matmul: NARROW_MATMUL,
  },
];

/** How a GPU is opened that takes `lib/strip.wgsl` where it can. */
export const STRIPS: GpuOptions = { wideWorkgroups: true };

/**
 * Notes which WGSL files a GPU compiles.
 *
 * @param gpu The GPU.
 * @returns Their names, as they are asked for; disposing of it ends that.
 */
export function recordKernels(gpu: Gpu): Set<string> & Disposable {
  const compiled = new Set<string>();
  const edited = editKernels(gpu, (source) => {
    compiled.add(source.name);
    return source;
  });
  return Object.assign(compiled, edited);
}

/**
 * Has a GPU compile other WGSL files than it is told to.
 *
 * @param gpu The GPU.
 * @param edit What to compile for a file. Pipelines are kept by the names of files.
 * @returns Ends it.
 */
export function editKernels(
  { kernels }: Gpu,
  edit: (source: KernelSource) => KernelSource,
): Disposable {
  const { get } = kernels;
  kernels.get = (sources, ...rest) =>
    get.call(kernels, sources.map(edit), ...rest);
  return { [Symbol.dispose]: () => void (kernels.get = get) };
}

/**
 * Makes a buffer of floats or words.
 *
 * @param gpu The GPU.
 * @param data What it holds.
 * @returns The buffer.
 */
export function upload(
  gpu: Gpu,
  data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): GPUBuffer {
  const buffer = gpu.storageBuffer("test data", data.byteLength);
  gpu.upload(buffer, new Uint8Array(data.buffer));
  return buffer;
}

/**
 * Makes rows of activations, padded with zeros.
 *
 * @param gpu The GPU.
 * @param data The rows, one after the other (count, width).
 * @param width Floats of a row.
 * @returns The rows.
 */
export function uploadRows(
  gpu: Gpu,
  data: ArrayLike<number>,
  width: number,
): Rows {
  return { buffer: upload(gpu, padRows(data, width)), stride: padded(width) };
}

/**
 * Pads rows with zeros to whole vec4s.
 *
 * @param data The rows (count, width).
 * @param width Floats of a row.
 * @returns The rows (count, padded width).
 */
export function padRows(
  data: ArrayLike<number>,
  width: number,
): Float32Array<ArrayBuffer> {
  const stride = padded(width);
  const rows = new Float32Array(data.length / width * stride);
  for (let i = 0; i < data.length; i++) {
    rows[Math.floor(i / width) * stride + i % width] = data[i]!;
  }
  return rows;
}

/**
 * Runs ops as one step.
 *
 * @param gpu The GPU.
 * @param ops What to run.
 * @param options The uniform of the ops, and how many tokens from where.
 */
export function runOps(
  gpu: Gpu,
  ops: readonly Op[],
  { step, tokenCount, position = 0, firstRow = 0, tokens }: {
    step: TestStep;
    tokenCount: number;
    position?: number;
    firstRow?: number;
    tokens?: Step["tokens"];
  },
): void {
  writeStep(gpu, step, {
    tokens: tokens ?? Array<number>(tokenCount).fill(0),
    position,
    firstRow,
  });
  const commands = gpu.device.createCommandEncoder();
  const pass = commands.beginComputePass();
  for (const op of ops) op.encode(pass, tokenCount, position);
  pass.end();
  gpu.device.queue.submit([commands.finish()]);
}

/** The uniform of a step. */
export type TestStep = ReturnType<typeof makeStepBuffers>;

/**
 * Makes a way to read buffers as floats or words.
 *
 * @param gpu The GPU.
 * @param byteLength The most bytes of a read.
 * @returns Reads a buffer; disposed of with the GPU.
 */
export async function makeReader(gpu: Gpu, byteLength: number) {
  const readback = await gpu.readback(byteLength);
  const read = (buffer: GPUBuffer) =>
    readback.read(
      gpu.device.createCommandEncoder(),
      buffer,
      Math.min(byteLength, buffer.size),
    );
  return {
    floats: async (buffer: GPUBuffer) => new Float32Array(await read(buffer)),
    words: async (buffer: GPUBuffer) => new Uint32Array(await read(buffer)),
    [Symbol.dispose]: () => readback[Symbol.dispose](),
  };
}
