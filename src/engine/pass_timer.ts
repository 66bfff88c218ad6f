/** How long the GPU takes for something. */

import type { Gpu } from "../gpu/device.ts";
import type { Readback } from "../gpu/readback.ts";

/** Bytes that are read back after a pass: two timestamps, if there are any. */
const END_BYTE_LENGTH = 16;

/**
 * Measures compute passes: by the GPU's own clock where it has timestamps, else from
 * submit to read-back. Wall time also counts what a submit costs the host, which for
 * short ops is most of it.
 */
export class PassTimer implements Disposable {
  readonly #device: GPUDevice;
  readonly #readback: Readback;
  readonly #end: GPUBuffer;
  readonly #clock: GPUQuerySet | null;

  private constructor(gpu: Gpu, readback: Readback, clock: GPUQuerySet | null) {
    this.#device = gpu.device;
    this.#readback = readback;
    this.#clock = clock;
    const { QUERY_RESOLVE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    this.#end = gpu.memory.allocate({
      label: "end of a pass",
      size: END_BYTE_LENGTH,
      usage: COPY_SRC | (clock === null ? COPY_DST : QUERY_RESOLVE),
    });
  }

  /**
   * Makes a timer.
   *
   * @param gpu The GPU.
   * @param hasClock Whether to take the GPU's clock; by default, where it has one.
   * @returns The timer.
   */
  static async create(
    gpu: Gpu,
    hasClock = gpu.device.features.has("timestamp-query"),
  ): Promise<PassTimer> {
    const readback = await gpu.readback(END_BYTE_LENGTH);
    const clock = hasClock
      ? gpu.device.createQuerySet({ type: "timestamp", count: 2 })
      : null;
    return new PassTimer(gpu, readback, clock);
  }

  /** Whether times are the GPU's own. */
  get hasClock(): boolean {
    return this.#clock !== null;
  }

  /**
   * Runs a compute pass that nothing else runs beside. What the CPU takes to record
   * it does not count.
   *
   * @param record Records the pass.
   * @returns Milliseconds.
   */
  async ms(record: (pass: GPUComputePassEncoder) => void): Promise<number> {
    const commands = this.#device.createCommandEncoder();
    const clock = this.#clock;
    const pass = commands.beginComputePass(
      clock === null ? {} : {
        timestampWrites: {
          querySet: clock,
          beginningOfPassWriteIndex: 0,
          endOfPassWriteIndex: 1,
        },
      },
    );
    record(pass);
    pass.end();
    const end = { source: this.#end, byteLength: END_BYTE_LENGTH };
    if (clock !== null) commands.resolveQuerySet(clock, 0, 2, this.#end, 0);
    this.#readback.recordCopies(commands, [end]);
    // This is where wgpu encodes the dispatches: some microseconds each.
    const finished = commands.finish();
    const start = performance.now();
    this.#device.queue.submit([finished]);
    const bytes = await this.#readback.wait(END_BYTE_LENGTH);
    const wallMs = performance.now() - start;
    return clock === null
      ? wallMs
      : elapsedMs(new BigUint64Array(bytes), wallMs);
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    this.#readback[Symbol.dispose]();
    this.#end.destroy();
    this.#clock?.destroy();
  }
}

/**
 * Says how long a pass took.
 *
 * @param timestamps Nanoseconds, of its begin and its end.
 * @param wallMs What counts if the clock stood still, or went back as it does where
 * a GPU changes its speed.
 * @returns Milliseconds.
 */
export function elapsedMs(
  [from = 0n, to = 0n]: BigUint64Array,
  wallMs: number,
): number {
  return to > from ? Number(to - from) / 1e6 : wallMs;
}
