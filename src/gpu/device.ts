/** A GPU that is ready to compute, and what we know about it. */

import type { Activations } from "./activations.ts";
import { deviceLost, type DeviceLostError } from "./device_loss.ts";
import { KernelCache } from "./kernel.ts";
import { GpuMemory } from "./memory.ts";
import { Readback } from "./readback.ts";
import { defaultTuning, type Tuning } from "./tuning.ts";

/** Options for {@linkcode Gpu.open}. */
export interface GpuOptions {
  /**
   * Whether to use subgroup operations where the GPU has them.
   *
   * @default {true}
   */
  subgroups?: boolean;
  /**
   * Whether workgroups of several subgroups are worth it.
   *
   * @default {boolean} `false` for a software adapter, else `true`
   */
  wideWorkgroups?: boolean;
  /**
   * How kernels share their work, as far as it is not to be the default.
   *
   * @default {{}}
   */
  tuning?: Partial<Tuning>;
  /**
   * How exact inputs of strips are.
   *
   * @default {"float32"}
   */
  activations?: Activations;
}

/** Limits that we raise to what the adapter has, and why. */
const LIMITS = [
  "maxBufferSize", // all experts of a layer lie in one buffer
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Buffers that are mapped and bound: how we ask for it, how wgpu grants it. */
const PIN_FEATURES = [
  "mappable-primary-buffers",
  "wgpu-mappable-primary-buffers",
] as const;

/** One `writeBuffer`; larger pieces are slower, see docs/LOG.md. */
const UPLOAD_BYTE_LENGTH = 8 * 2 ** 20;

/** Owns a device: everything made on it ends with it. */
export class Gpu implements Disposable {
  /** The device. */
  readonly device: GPUDevice;
  /** What people call the adapter, such as `NVIDIA H200`. */
  readonly name: string;
  /** Whether the adapter is a program on the CPU. */
  readonly isSoftware: boolean;
  /** Invocations in a subgroup; 0 if there are none or it varies. */
  readonly subgroupSize: number;
  /** Whether workgroups of several subgroups are worth it. */
  readonly hasWideWorkgroups: boolean;
  /** Whether host memory can be bound as storage. */
  readonly canPin: boolean;
  /** Compiled kernels. */
  readonly kernels: KernelCache;
  /** What is allocated. */
  readonly memory: GpuMemory;
  /** How ops share their work: counts when they are made. */
  tuning: Tuning;
  /** How exact inputs of strips are: counts when ops are made. */
  activations: Activations;
  #lost: DeviceLostError | null = null;

  private constructor(
    adapter: GPUAdapter,
    device: GPUDevice,
    { wideWorkgroups, tuning, activations = "float32" }: GpuOptions,
  ) {
    const { info } = adapter;
    this.device = device;
    this.name = info.description || info.device || info.vendor;
    this.isSoftware = info.isFallbackAdapter;
    this.hasWideWorkgroups = wideWorkgroups ?? !this.isSoftware;
    this.subgroupSize = device.features.has("subgroups") &&
        info.subgroupMinSize === info.subgroupMaxSize
      ? info.subgroupMinSize
      : 0;
    this.canPin = PIN_FEATURES.some((name) =>
      device.features.has(name as GPUFeatureName)
    );
    this.kernels = new KernelCache(device);
    this.memory = new GpuMemory(device);
    device.lost.then((info) => this.#lost = deviceLost(info));
    this.activations = activations;
    this.tuning = { ...defaultTuning(this.hasWideWorkgroups), ...tuning };
  }

  /**
   * Opens the fastest adapter of this machine.
   *
   * @param options Additional options.
   * @returns The GPU.
   * @throws {Error} If there is no adapter.
   */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    quietLinuxDrivers();
    // Without a preference the adapters come unsorted.
    const adapter = await navigator.gpu?.requestAdapter({
      powerPreference: "high-performance",
    });
    if (!adapter) {
      throw new Error(
        "Cannot open a GPU: no WebGPU adapter found, wanted a Vulkan, Metal or DirectX 12 driver; " +
          "on Linux without a GPU, `apt-get install mesa-vulkan-drivers libvulkan1` gives one in software",
      );
    }
    const requiredLimits = Object.fromEntries(
      LIMITS.map((name) => [name, adapter.limits[name]]),
    );
    const features: GPUFeatureName[] = [];
    if (adapter.features.has("timestamp-query")) {
      features.push("timestamp-query");
    }
    // `adapter.features` hides these (wgpu 29), so we ask and see. An adapter
    // serves one device: a refusal leaves it usable, a success does not.
    const pin = PIN_FEATURES[0] as GPUFeatureName;
    const subgroups = "subgroups" as GPUFeatureName;
    const wanted = (options.subgroups ?? true)
      ? [[subgroups, pin], [subgroups], [pin], []]
      : [[pin], []];
    for (const [i, more] of wanted.entries()) {
      const requiredFeatures = [...features, ...more];
      try {
        const device = await adapter.requestDevice({
          label: "moeno",
          requiredFeatures,
          requiredLimits,
        });
        return new Gpu(adapter, device, options);
      } catch (error) {
        if (i === wanted.length - 1) {
          throw new Error(
            `Cannot open a GPU: ${adapter.info.description} gave no device (${
              (error as Error).message
            }), wanted its own limits`,
            { cause: error },
          );
        }
      }
    }
    throw new Error("unreachable");
  }

  /** That the device was lost, if anything has noticed; destroyed is lost, too. */
  get lost(): DeviceLostError | null {
    return this.#lost;
  }

  /** Bytes of the largest buffer that shaders can bind whole. */
  get bindByteLimit(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    return Math.min(maxBufferSize, maxStorageBufferBindingSize);
  }

  /**
   * Makes a buffer that shaders read and write.
   *
   * @param label What errors call it.
   * @param byteLength Its size in bytes, rounded up to a multiple of 16.
   * @returns The buffer, all zero.
   * @throws {RangeError} If the GPU cannot bind a buffer of this size.
   * @throws {GpuMemoryError} If the GPU refused one before.
   */
  storageBuffer(label: string, byteLength: number): GPUBuffer {
    const size = Math.max(16, Math.ceil(byteLength / 16) * 16);
    const limit = this.bindByteLimit;
    if (size > limit) {
      throw new RangeError(
        `Cannot allocate ${label}: it takes ${size} bytes, ${this.name} binds at most ${limit}; fewer bits or a shorter context take less`,
      );
    }
    return this.memory.allocate({
      label,
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST |
        GPUBufferUsage.COPY_SRC,
    });
  }

  /**
   * Copies bytes to a buffer, in pieces that keep the driver's staging small.
   *
   * @param buffer Where to.
   * @param bytes What, a multiple of 4 bytes.
   * @param byteOffset Where they go, a multiple of 4.
   */
  upload(
    buffer: GPUBuffer,
    bytes: Uint8Array<ArrayBuffer>,
    byteOffset = 0,
  ): void {
    const { queue } = this.device;
    for (let at = 0; at < bytes.length; at += UPLOAD_BYTE_LENGTH) {
      const piece = bytes.subarray(at, at + UPLOAD_BYTE_LENGTH);
      queue.writeBuffer(buffer, byteOffset + at, piece);
      queue.submit([]);
    }
  }

  /**
   * Makes a way to read up to `byteLength` bytes back at once.
   *
   * @param byteLength The most bytes that one read returns.
   * @returns The read-back, primed.
   */
  readback(byteLength: number): Promise<Readback> {
    return Readback.create(this.device, byteLength, this.memory);
  }

  /** Destroys the device and with it every buffer. */
  [Symbol.dispose](): void {
    this.device.destroy();
  }
}

/**
 * Keeps Linux graphics libraries from printing to our stderr: without these two
 * variables wgpu also tries OpenGL, which complains where there is no display.
 */
function quietLinuxDrivers(): void {
  if (Deno.build.os !== "linux") return;
  for (
    const [name, value] of [
      ["DENO_WEBGPU_BACKEND", "vulkan"],
      ["XDG_RUNTIME_DIR", "/tmp"],
    ] as const
  ) {
    const { state } = Deno.permissions.querySync({
      name: "env",
      variable: name,
    });
    if (state === "granted" && Deno.env.get(name) === undefined) {
      Deno.env.set(name, value);
    }
  }
}
