/** WGSL files and constants to compute pipelines. */

import { explainLoss } from "./device_loss.ts";

/** One WGSL file: its text and the name that errors point at. */
export interface KernelSource {
  /** Path under `kernels/`. */
  readonly name: string;
  /** The WGSL text. */
  readonly code: string;
}

/** Values for the `override` declarations of a kernel. */
export type Constants = Readonly<Record<string, number>>;

/** Compiles kernels on one device and keeps them. */
export class KernelCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  /**
   * Constructs an empty cache.
   *
   * @param device The device to compile for.
   */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * Compiles a pipeline out of several WGSL files, or finds it compiled.
   *
   * The files are joined as they are: WGSL does not care about the order of
   * module-scope declarations, so no preprocessor is needed.
   *
   * @param sources The files, the one with the entry point last.
   * @param constants Values for the `override` declarations.
   * @param layout The layout of bind group 0, where the WGSL does not say all.
   * @returns The pipeline.
   * @throws {SyntaxError} If the WGSL does not compile; names file and line.
   */
  get(
    sources: readonly KernelSource[],
    constants: Constants,
    layout?: GPUBindGroupLayout,
  ): Promise<GPUComputePipeline> {
    const key = JSON.stringify([sources.map(({ name }) => name), constants]);
    let pipeline = this.#pipelines.get(key);
    if (pipeline === undefined) {
      pipeline = compileKernel(this.#device, sources, { constants, layout });
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }
}

/**
 * Compiles one compute pipeline.
 *
 * @param device The device to compile for.
 * @param sources The files, the one with the entry point last.
 * @param options Values for the `override` declarations, and the layout of bind
 * group 0 where the WGSL does not say all.
 * @returns The pipeline.
 * @throws {SyntaxError} If the WGSL does not compile; names file and line.
 * @throws {DeviceLostError} If the device is lost.
 */
async function compileKernel(
  device: GPUDevice,
  sources: readonly KernelSource[],
  { constants, layout }: {
    constants: Constants;
    layout?: GPUBindGroupLayout | undefined;
  },
): Promise<GPUComputePipeline> {
  const label = sources.at(-1)!.name;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({
    label,
    code: sources.map((source) => source.code).join("\n"),
  });
  const moduleError = device.popErrorScope();
  const { messages } = await module.getCompilationInfo();
  await moduleError; // reported below, with the file and line
  const error = messages.find((message) => message.type === "error");
  if (error !== undefined) {
    const wrong = new SyntaxError(
      `Cannot compile ${locate(sources, error.lineNum)}: ${error.message}`,
    );
    throw await explainLoss(device, wrong);
  }
  device.pushErrorScope("validation");
  const pipeline = device.createComputePipeline({
    label,
    layout: layout === undefined
      ? "auto"
      : device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: "main", constants: { ...constants } },
  });
  const pipelineError = await device.popErrorScope();
  if (pipelineError !== null) {
    const wrong = new SyntaxError(
      `Cannot compile ${label}: ${pipelineError.message}`,
    );
    throw await explainLoss(device, wrong);
  }
  return pipeline;
}

/** Maps a line of the joined text back to `file:line`. */
function locate(sources: readonly KernelSource[], line: number): string {
  for (const { name, code } of sources) {
    const lineCount = code.split("\n").length;
    if (line <= lineCount) return `${name}:${line}`;
    line -= lineCount;
  }
  return "an unknown line";
}
