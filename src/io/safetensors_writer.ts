/**
 * Writes safetensors files, in memory or straight to disk.
 *
 * @module
 */
import { MAX_HEADER_BYTE_LENGTH, PREFIX_BYTE_LENGTH } from "./safetensors.ts";
import { showJson } from "./show_json.ts";
import { tensorByteLength, type TensorSpec } from "./tensor_spec.ts";
import { writeAll, writeWhole, type WriteWholeOptions } from "./write_whole.ts";

/** A tensor with its bytes, or with a function that makes them when needed. */
export interface TensorSource extends TensorSpec {
  /** The little-endian bytes, row by row. */
  readonly bytes: Uint8Array | (() => Uint8Array | Promise<Uint8Array>);
}

/**
 * Writes a safetensors file: the header first, then one tensor after the other,
 * so that only one need be in memory. The file appears under its name when it
 * is whole; until then it is called `<path>.<random>.part`.
 *
 * @param path The file to make or to replace.
 * @param tensors The tensors, in the order of the file.
 * @param metadata What the file says about itself.
 * @param options Who may read it.
 * @throws {Error} If the file cannot be written.
 * @throws {TypeError} If a name is not usable or occurs twice.
 * @throws {RangeError} If the bytes of a tensor do not fit its shape.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = {},
  options: WriteWholeOptions = {},
): Promise<void> {
  const header = encodeHeader(tensors, metadata);
  await writeWhole(path, async (file) => {
    await writeAll(file, header);
    for (const tensor of tensors) {
      const bytes = typeof tensor.bytes === "function"
        ? await tensor.bytes()
        : tensor.bytes;
      checkByteLength(tensor, bytes);
      await writeAll(file, bytes);
    }
  }, options);
}

/**
 * Makes a safetensors file in memory.
 *
 * @param tensors The tensors with their bytes, in the order of the file.
 * @param metadata What the file says about itself.
 * @returns The bytes of the file.
 * @throws {TypeError} If a name is not usable or occurs twice.
 * @throws {RangeError} If the bytes of a tensor do not fit its shape.
 */
export function encodeSafetensors(
  tensors: readonly (TensorSpec & { readonly bytes: Uint8Array })[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = encodeHeader(tensors, metadata);
  const dataByteLength = tensors.reduce(
    (sum, tensor) => sum + tensorByteLength(tensor),
    0,
  );
  const file = new Uint8Array(header.byteLength + dataByteLength);
  file.set(header);
  let offset = header.byteLength;
  for (const tensor of tensors) {
    checkByteLength(tensor, tensor.bytes);
    file.set(tensor.bytes, offset);
    offset += tensor.bytes.byteLength;
  }
  return file;
}

/**
 * Makes the start of a safetensors file: the length and the header, padded
 * with spaces to a multiple of 8 bytes. The tensors follow without gaps in the
 * given order, so that a tensor is aligned if all before it are.
 *
 * @param tensors The tensors, in the order of the file.
 * @param metadata What the file says about itself.
 * @returns The bytes before the first tensor.
 * @throws {TypeError} If a name is not usable or occurs twice.
 * @throws {RangeError} If a shape or the header is too large.
 */
export function encodeHeader(
  tensors: readonly TensorSpec[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const names = new Set(["__metadata__"]);
  const entries = Object.keys(metadata).length === 0
    ? []
    : [`"__metadata__":${JSON.stringify(metadata)}`];
  let begin = 0;
  for (const { name, dtype, shape } of tensors) {
    if (names.has(name) || !name.isWellFormed()) {
      throw new TypeError(
        `Cannot write tensor ${
          showJson(name)
        }: name is taken or not Unicode, wanted another`,
      );
    }
    names.add(name);
    const end = begin + tensorByteLength({ dtype, shape });
    const entry = { dtype, shape, "data_offsets": [begin, end] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    begin = end;
  }

  // Joined by hand: an object would move names such as "0" to the front.
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const byteLength = Math.ceil(json.byteLength / 8) * 8;
  if (byteLength > MAX_HEADER_BYTE_LENGTH) {
    throw new RangeError(
      `Cannot write safetensors: header has ${byteLength} bytes, wanted at most ${MAX_HEADER_BYTE_LENGTH}`,
    );
  }
  const header = new Uint8Array(PREFIX_BYTE_LENGTH + byteLength).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(byteLength), true);
  header.set(json, PREFIX_BYTE_LENGTH);
  return header;
}

function checkByteLength(spec: TensorSpec, bytes: Uint8Array): void {
  const wanted = tensorByteLength(spec);
  if (bytes.byteLength !== wanted) {
    throw new RangeError(
      `Cannot write tensor ${
        showJson(spec.name)
      }: it has ${bytes.byteLength} bytes, ${spec.dtype} [${spec.shape}] needs ${wanted}`,
    );
  }
}
