/** Memory of a GPU, and what it refuses. */

/** The GPU refused memory. */
export class GpuMemoryError extends Error {
  /** What it is called. */
  override readonly name = "GpuMemoryError";
  /** Bytes that were too many: of the scope so far, with what was refused. */
  readonly refusedByteLength: number;

  /**
   * Constructs the error.
   *
   * @param label What was to be allocated.
   * @param byteLength Its bytes.
   * @param grantedByteLength Bytes that were granted before.
   */
  constructor(label: string, byteLength: number, grantedByteLength: number) {
    super(
      `Cannot allocate ${label}: the GPU refuses ${byteLength} bytes beside ${grantedByteLength}, wanted them; fewer slots, fewer bits or a shorter context take less`,
    );
    this.refusedByteLength = grantedByteLength + byteLength;
  }
}

/** Buffers that end together. */
export interface MemoryScope extends Disposable {
  /** Lets them be: they end with the device, or the scope around this one. */
  keep(): void;
}

/** What was made in a scope. */
interface Made {
  readonly buffers: GPUBuffer[];
  byteLength: number;
}

/**
 * Makes buffers. WebGPU grants memory later than it hands out the buffer, and says
 * nothing of what it refuses unless it is asked: then what is written there is lost,
 * and zeros are read. So each buffer is asked for; a refusal is thrown when the next
 * is to be made, or by {@linkcode GpuMemory.check}.
 */
export class GpuMemory {
  readonly #device: GPUDevice;
  /** From the outermost to the innermost. */
  readonly #scopes: Made[] = [];
  #refusal: { readonly error: GpuMemoryError; readonly made?: Made } | null =
    null;
  /** Settles when all buffers were granted or refused. */
  #answers: Promise<unknown> = Promise.resolve();

  /**
   * Constructs it with nothing allocated.
   *
   * @param device The device.
   */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * Makes a buffer.
   *
   * @param descriptor What it is, with a label.
   * @returns The buffer, all zero.
   * @throws {GpuMemoryError} If the GPU refused one before.
   */
  allocate(
    descriptor: GPUBufferDescriptor & { readonly label: string },
  ): GPUBuffer {
    this.#throwRefusal();
    const { label, size } = descriptor;
    const made = this.#scopes.at(-1);
    const granted = made?.byteLength ?? 0;
    this.#device.pushErrorScope("out-of-memory");
    const buffer = this.#device.createBuffer(descriptor);
    const answer = this.#device.popErrorScope().then((error) => {
      if (error === null) return;
      if (made !== undefined && !this.#scopes.includes(made)) return; // too late
      const refused = new GpuMemoryError(label, size, granted);
      this.#refusal ??= { error: refused, ...made && { made } };
    }, () => {}); // the device is gone, which others notice
    this.#answers = this.#answers.then(() => answer);
    this.own(buffer);
    return buffer;
  }

  /**
   * Takes a buffer that was made and granted elsewhere into the open scopes.
   *
   * @param buffer The buffer.
   */
  own(buffer: GPUBuffer): void {
    for (const made of this.#scopes) {
      made.buffers.push(buffer);
      made.byteLength += buffer.size;
    }
  }

  /**
   * Waits until all buffers were granted.
   *
   * @throws {GpuMemoryError} If the GPU refused one.
   */
  async check(): Promise<void> {
    await this.#answers;
    this.#throwRefusal();
  }

  /**
   * Opens a scope, to load one model after another on the same device: its end
   * destroys the buffers that were made in it. A scope within ends before.
   *
   * @returns The scope.
   */
  scope(): MemoryScope {
    const made: Made = { buffers: [], byteLength: 0 };
    this.#scopes.push(made);
    const close = () => {
      const at = this.#scopes.indexOf(made);
      if (at >= 0) this.#scopes.splice(at, 1);
    };
    return {
      keep: () => {
        close();
        made.buffers.length = 0;
      },
      [Symbol.dispose]: () => {
        close();
        if (this.#refusal?.made === made) this.#refusal = null;
        for (const buffer of made.buffers) buffer.destroy();
        made.buffers.length = 0;
      },
    };
  }

  #throwRefusal(): void {
    const refusal = this.#refusal;
    this.#refusal = null;
    if (refusal !== null) throw refusal.error;
  }
}
