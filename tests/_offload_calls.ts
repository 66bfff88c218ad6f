/** What is asked of the GPU, by name. */

/** Calls that make a GPU object; command encoders are free. */
export const CREATORS = [
  "createBuffer",
  "createBindGroup",
  "createBindGroupLayout",
  "createPipelineLayout",
  "createShaderModule",
  "createComputePipeline",
  "createComputePipelineAsync",
  "createQuerySet",
  "createSampler",
  "createTexture",
] as const;

/** A buffer that was made. */
export interface WatchedBuffer {
  readonly label: string;
  readonly size: number;
  readonly usage: number;
  isDestroyed: boolean;
}

// deno-lint-ignore no-explicit-any
type Method = (...args: any[]) => unknown;

/** Counts calls to all devices from its construction to its disposal. */
export class GpuWatch implements Disposable {
  /** The buffers that were made. */
  readonly buffers: WatchedBuffer[] = [];
  /** How many devices were opened. */
  devices = 0;
  /** How many devices were destroyed. */
  destroyedDevices = 0;
  readonly #counts = new Map<string, number>();
  readonly #restore = new DisposableStack();
  readonly #watched = new WeakMap<GPUBuffer, WatchedBuffer>();

  constructor() {
    for (const name of CREATORS) this.#wrap(GPUDevice.prototype, name);
    this.#wrap(GPUComputePipeline.prototype, "getBindGroupLayout");
    this.#wrap(GPUQueue.prototype, "submit");
    this.#wrap(GPUBuffer.prototype, "mapAsync");
    this.#wrap(GPUAdapter.prototype, "requestDevice", () => this.devices++);
    this.#wrap(
      GPUDevice.prototype,
      "destroy",
      () => this.destroyedDevices++,
    );
    this.#wrap(GPUBuffer.prototype, "destroy", (_, buffer) => {
      const watched = this.#watched.get(buffer as GPUBuffer);
      if (watched !== undefined) watched.isDestroyed = true;
    });
  }

  /** How often a method was called since the last reset. */
  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** How many objects were made since the last reset, by name. */
  created(): Record<string, number> {
    const names = [...CREATORS, "getBindGroupLayout"];
    return Object.fromEntries(
      names.map((name) => [name, this.count(name)])
        .filter(([, count]) => count !== 0),
    );
  }

  /** Counts from 0 again. */
  reset(): void {
    this.#counts.clear();
  }

  /** Sums the bytes of buffers that are still there. */
  byteLength(which: (buffer: WatchedBuffer) => boolean = () => true): number {
    return this.buffers
      .filter((buffer) => !buffer.isDestroyed && which(buffer))
      .reduce((sum, { size }) => sum + size, 0);
  }

  [Symbol.dispose](): void {
    this.#restore[Symbol.dispose]();
  }

  #wrap<K extends string>(
    prototype: Record<K, Method>,
    name: K,
    after?: (result: unknown, receiver: unknown) => void,
  ): void {
    const method = prototype[name];
    const count = () => this.#counts.set(name, this.count(name) + 1);
    const watch = (result: unknown) => this.#watch(name, result);
    prototype[name] = function (this: unknown, ...args: unknown[]) {
      count();
      const result = method.apply(this, args);
      watch(result);
      after?.(result, this);
      return result;
    };
    this.#restore.defer(() => {
      prototype[name] = method;
    });
  }

  #watch(name: string, result: unknown): void {
    if (name !== "createBuffer") return;
    const { label, size, usage } = result as GPUBuffer;
    const watched = { label, size, usage, isDestroyed: false };
    this.buffers.push(watched);
    this.#watched.set(result as GPUBuffer, watched);
  }
}
