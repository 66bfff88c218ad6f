/** A few bytes from the GPU to the host, at once. */

// A timer of 0 ms takes 1 ms, this 5 us.
import { setImmediate } from "node:timers";
import { explainLoss } from "./device_loss.ts";
import { GpuMemory } from "./memory.ts";

/** The first bytes of a buffer. */
export interface Slice {
  /** The buffer. */
  readonly source: GPUBuffer;
  /** How many bytes, a multiple of 4. */
  readonly byteLength: number;
}

/** Longest time without a turn of the event loop. */
const TURN_MS = 25;

/**
 * Reads a few bytes back without waiting for a timer.
 *
 * In Deno 2.9 an awaited `mapAsync` takes at least 10 ms: the call itself blocks
 * until the GPU is done, then a fixed sleep runs before the promise resolves. So
 * we do not await it: when the call returns, the buffer is mapped, and
 * `getMappedRange` works. Two traps come with that. On a buffer that was never
 * mapped, `getMappedRange` ends the process, so {@linkcode Readback.create} maps
 * it once the slow way. And promises that nobody awaits pile up until the event
 * loop turns, so {@linkcode Readback.read} lets it turn now and then.
 *
 * A start-up self-test decides whether this runtime behaves so; where it does
 * not, reads await.
 */
export class Readback implements Disposable {
  readonly #device: GPUDevice;
  readonly #memory: GpuMemory;
  readonly #buffer: GPUBuffer;
  readonly #directs: GPUBuffer[] = [];
  #isSynchronous = true;
  /** Milliseconds spent waiting for the GPU, all reads together. */
  waitMs = 0;
  #lastTurn = performance.now();

  private constructor(
    device: GPUDevice,
    memory: GpuMemory,
    byteLength: number,
  ) {
    this.#device = device;
    this.#memory = memory;
    this.#buffer = memory.allocate({
      label: "readback",
      size: Math.ceil(byteLength / 16) * 16,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  /** The most bytes that one read returns. */
  get byteLength(): number {
    return this.#buffer.size;
  }

  /** Whether reads return without a turn of the event loop. */
  get isSynchronous(): boolean {
    return this.#isSynchronous;
  }

  /**
   * Makes a read-back, maps it once and tests it.
   *
   * @param device The device to read from.
   * @param byteLength The most bytes that one read returns.
   * @param memory Where its buffers are allocated.
   * @returns The read-back.
   * @throws {GpuMemoryError} If there is no memory for it.
   * @throws {DeviceLostError} If the device is lost.
   */
  static async create(
    device: GPUDevice,
    byteLength: number,
    memory: GpuMemory = new GpuMemory(device),
  ): Promise<Readback> {
    const readback = new Readback(device, memory, Math.max(16, byteLength));
    try {
      await memory.check();
      await readback.#buffer.mapAsync(GPUMapMode.READ);
      readback.#buffer.unmap();
      await readback.#selfTest();
    } catch (error) {
      readback[Symbol.dispose]();
      throw await explainLoss(device, error);
    }
    return readback;
  }

  /**
   * Submits the commands and a copy, and returns the copied bytes.
   *
   * @param commands What to submit first; the copy is recorded into it.
   * @param source The buffer to read.
   * @param byteLength How many bytes from its start, a multiple of 4.
   * @returns The bytes, in a buffer of their own.
   */
  read(
    commands: GPUCommandEncoder,
    source: GPUBuffer,
    byteLength: number,
  ): Promise<ArrayBuffer> {
    return this.readSlices(commands, [{ source, byteLength }]);
  }

  /**
   * Submits the commands and some copies, and returns the copied bytes.
   *
   * @param commands What to submit first; the copies are recorded into it.
   * @param slices What to read, in order.
   * @returns The bytes of all slices, one after the other.
   */
  async readSlices(
    commands: GPUCommandEncoder,
    slices: readonly Slice[],
  ): Promise<ArrayBuffer> {
    const byteLength = this.recordCopies(commands, slices);
    this.#device.queue.submit([commands.finish()]);
    return await this.wait(byteLength);
  }

  /**
   * Records copies that {@linkcode Readback.wait} is to return.
   *
   * @param commands Where to, outside of a pass.
   * @param slices What to read, in order.
   * @returns The bytes of all slices together.
   */
  recordCopies(
    commands: GPUCommandEncoder,
    slices: readonly Slice[],
  ): number {
    let to = 0;
    for (const { source, byteLength } of slices) {
      commands.copyBufferToBuffer(source, 0, this.#buffer, to, byteLength);
      to += byteLength;
    }
    return to;
  }

  /**
   * Makes a buffer in host memory that kernels write and {@linkcode Readback.wait}
   * reads: no copy stands between.
   *
   * @param byteLength Its size, a multiple of 4.
   * @returns The buffer, which ends with the read-back; `null` where it cannot be
   * had or reads are awaited.
   */
  async direct(byteLength: number): Promise<GPUBuffer | null> {
    if (!this.#isSynchronous) return null;
    this.#device.pushErrorScope("out-of-memory");
    this.#device.pushErrorScope("validation");
    const buffer = this.#device.createBuffer({
      label: "direct readback",
      size: Math.ceil(byteLength / 16) * 16,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE |
        GPUBufferUsage.COPY_DST,
    });
    const errors = await Promise.all([
      this.#device.popErrorScope(),
      this.#device.popErrorScope(),
    ]);
    if (errors.some((error) => error !== null)) {
      buffer.destroy();
      return null;
    }
    this.#memory.own(buffer);
    await buffer.mapAsync(GPUMapMode.READ);
    buffer.unmap();
    const expected = Uint32Array.of(7, 11, 13, 17);
    this.#device.queue.writeBuffer(buffer, 0, expected);
    this.#device.queue.submit([]);
    const actual = new Uint32Array(this.#map(16, buffer));
    const works = expected.every((v, i) => v === actual[i]);
    if (works) this.#directs.push(buffer);
    else buffer.destroy();
    return works ? buffer : null;
  }

  /**
   * Waits until all that was submitted is done, and returns what was copied.
   *
   * @param byteLength How many bytes.
   * @param direct The buffer of {@linkcode Readback.direct} to read instead.
   * @returns The bytes, in a buffer of their own.
   * @throws {DeviceLostError} If the device is lost.
   */
  async wait(byteLength: number, direct?: GPUBuffer): Promise<ArrayBuffer> {
    if (performance.now() - this.#lastTurn > TURN_MS) {
      // The GPU works on while timers, signals and rejections get their turn.
      await new Promise((resolve) => void setImmediate(resolve));
      this.#lastTurn = performance.now();
    }
    const start = performance.now();
    try {
      return this.#isSynchronous
        ? this.#map(byteLength, direct)
        : await this.#mapAwaited(byteLength);
    } catch (error) {
      throw await explainLoss(this.#device, error);
    } finally {
      this.waitMs += performance.now() - start;
    }
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    for (const buffer of [this.#buffer, ...this.#directs]) buffer.destroy();
  }

  #map(byteLength: number, buffer = this.#buffer): ArrayBuffer {
    buffer.mapAsync(GPUMapMode.READ).catch(() => {});
    // Since Deno 2.9.5 the range is a copy; `slice` keeps us right without that.
    const bytes = buffer.getMappedRange(0, byteLength).slice(0);
    buffer.unmap();
    return bytes;
  }

  async #mapAwaited(byteLength: number): Promise<ArrayBuffer> {
    await this.#buffer.mapAsync(GPUMapMode.READ);
    const bytes = this.#buffer.getMappedRange(0, byteLength).slice(0);
    this.#buffer.unmap();
    return bytes;
  }

  /** Reads known values the fast way, and gives it up if they come out wrong. */
  async #selfTest(): Promise<void> {
    using source = disposable(this.#memory.allocate({
      label: "readback self-test",
      size: 16,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    }));
    await this.#memory.check();
    for (let round = 1; round <= 2; round++) {
      const expected = Uint32Array.of(round, 2 * round, 3 * round, ~round);
      this.#device.queue.writeBuffer(source.buffer, 0, expected);
      const commands = this.#device.createCommandEncoder();
      commands.copyBufferToBuffer(source.buffer, 0, this.#buffer, 0, 16);
      this.#device.queue.submit([commands.finish()]);
      try {
        const actual = new Uint32Array(this.#map(16));
        this.#isSynchronous = expected.every((v, i) => v === actual[i]);
      } catch {
        this.#isSynchronous = false;
      }
      // Lets the promise of `mapAsync` settle before the buffer is mapped again.
      if (!this.#isSynchronous) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        this.#buffer.unmap();
        return;
      }
    }
  }
}

/** Destroys the buffer at the end of its block. */
function disposable(buffer: GPUBuffer): Disposable & { buffer: GPUBuffer } {
  return { buffer, [Symbol.dispose]: () => buffer.destroy() };
}
