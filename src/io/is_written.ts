/**
 * Whether a safetensors file is there already.
 *
 * @module
 */
import { fileError } from "./file_error.ts";
import { encodeHeader } from "./safetensors_writer.ts";
import { tensorByteLength, type TensorSpec } from "./tensor_spec.ts";

/**
 * Tells whether `writeSafetensors()` has already written a file of these
 * tensors: it has their header and their length. Since files get their name when
 * they are whole, the bytes of the tensors are there, too.
 *
 * @param path The file.
 * @param tensors The tensors, in the order of the file.
 * @param metadata What the file says about itself.
 * @returns Whether it is there.
 * @throws {Error} If it cannot be read.
 */
export async function isWritten(
  path: string,
  tensors: readonly TensorSpec[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const header = encodeHeader(tensors, metadata);
  const byteLength = tensors.reduce(
    (sum, tensor) => sum + tensorByteLength(tensor),
    header.byteLength,
  );
  try {
    using file = await Deno.open(path);
    const { size, isFile } = await file.stat();
    if (!isFile || size !== byteLength) return false;
    const found = new Uint8Array(header.byteLength);
    let offset = 0;
    while (offset < found.length) {
      const count = await file.read(found.subarray(offset));
      if (count === null) return false; // it is being cut short
      offset += count;
    }
    return found.every((byte, i) => byte === header[i]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError(`read ${path}`, error);
  }
}
