/** Counts the buffers of all GPU devices of this process. */
export interface BufferCount extends Disposable {
  /** How many there are: made since, and not destroyed. */
  readonly count: number;
  /** Their bytes. */
  readonly byteLength: number;
}

/**
 * Begins to count.
 *
 * @returns The count; it ends when disposed of.
 */
export function countBuffers(): BufferCount {
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  const alive = new Set<GPUBuffer>();
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    alive.add(buffer);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    alive.delete(this);
    return destroy.call(this);
  };
  return {
    get count() {
      return alive.size;
    },
    get byteLength() {
      return [...alive].reduce((sum, { size }) => sum + size, 0);
    },
    [Symbol.dispose]() {
      GPUDevice.prototype.createBuffer = createBuffer;
      GPUBuffer.prototype.destroy = destroy;
    },
  };
}
