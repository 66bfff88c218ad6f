/** A system that grants little pinned memory. */

/** Takes the limit away when it is disposed of. */
export interface PoolLimit extends Disposable {
  /** The sizes of the buffers that were refused. */
  readonly refused: readonly number[];
}

/**
 * Lets all devices run out of memory beyond some bytes of host pools.
 *
 * @param byteLength How many bytes are granted, all pools together.
 * @returns The limit.
 */
export function limitPools(byteLength: number): PoolLimit {
  const refused: number[] = [];
  const { prototype } = GPUDevice;
  const { createBuffer, popErrorScope } = prototype;
  let left = byteLength;
  let isOut = false;
  prototype.createBuffer = function (descriptor) {
    if (descriptor.label?.startsWith("host pool")) {
      isOut = descriptor.size > left;
      if (isOut) refused.push(descriptor.size);
      else left -= descriptor.size;
    }
    return createBuffer.call(this, descriptor);
  };
  prototype.popErrorScope = async function () {
    const error = await popErrorScope.call(this);
    if (!isOut) return error;
    isOut = false;
    return new GPUOutOfMemoryError("there is no more");
  };
  return {
    refused,
    [Symbol.dispose]: () =>
      void Object.assign(prototype, { createBuffer, popErrorScope }),
  };
}
