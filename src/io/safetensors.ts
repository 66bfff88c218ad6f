/**
 * The safetensors format: a length, a JSON header, the bytes of the tensors.
 *
 * Everything here is pure; `Checkpoint` reads files, `writeSafetensors()` writes
 * them.
 *
 * @module
 */
import { showJson } from "./show_json.ts";
import { parseStrictJson, type StrictJson } from "./strict_json.ts";
import { isDtype, tensorByteLength, type TensorInfo } from "./tensor_spec.ts";

/** The header of a file. */
export interface SafetensorsHeader {
  /** The tensors by name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** What the file says about itself. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The first byte after the header, counted from the start of the file. */
  readonly dataOffset: number;
}

/** Options for {@linkcode parseHeader}. */
export interface ParseHeaderOptions {
  /**
   * What to call the file in errors.
   *
   * @default {"safetensors"}
   */
  file?: string;
  /**
   * The byte length of the whole file, if `bytes` are only its start.
   *
   * @default {bytes.byteLength}
   */
  fileByteLength?: number;
}

/** The byte length of what stands before the header: a 64-bit length. */
export const PREFIX_BYTE_LENGTH = 8;

/** The longest header that the reference reader takes. */
export const MAX_HEADER_BYTE_LENGTH = 100_000_000;

const INCOMPLETE = "probably an incomplete download, download it again";

/**
 * Reads the header of a safetensors file. It accepts what the reference reader
 * accepts, but for keys that occur twice and numbers above 2^53, which it
 * refuses.
 *
 * @param bytes The file, or at least the start of it through the header.
 * @param options What to call the file, and how long it is.
 * @returns The tensors, with offsets into the file.
 * @throws {SyntaxError} If the file is malformed or truncated.
 * @throws {RangeError} If `bytes` end before the header of a longer file does.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseHeader } from "./safetensors.ts";
 * import { encodeSafetensors } from "./safetensors_writer.ts";
 *
 * const bytes = encodeSafetensors([
 *   { name: "x", dtype: "U8", shape: [2, 2], bytes: Uint8Array.of(1, 2, 3, 4) },
 * ]);
 * const x = parseHeader(bytes).tensors.get("x")!;
 * assertEquals(x.shape, [2, 2]);
 * assertEquals(bytes.slice(x.begin, x.end), Uint8Array.of(1, 2, 3, 4));
 * ```
 */
export function parseHeader(
  bytes: Uint8Array,
  options: ParseHeaderOptions = {},
): SafetensorsHeader {
  const { file = "safetensors", fileByteLength = bytes.byteLength } = options;
  const headerByteLength = parseHeaderByteLength(bytes, {
    file,
    fileByteLength,
  });
  const dataOffset = PREFIX_BYTE_LENGTH + headerByteLength;
  if (bytes.byteLength < dataOffset) {
    throw new RangeError(
      `Cannot read ${file}: got its first ${bytes.byteLength} bytes, wanted ${dataOffset}`,
    );
  }

  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes.subarray(PREFIX_BYTE_LENGTH, dataOffset));
  } catch {
    throw malformed(file, "header is not UTF-8, wanted JSON");
  }
  const json = parseStrictJson(text, file);
  if (!(json instanceof Map)) {
    throw malformed(file, "header is not an object, wanted one entry a tensor");
  }

  const metadata = parseMetadata(json.get("__metadata__") ?? null, file);
  json.delete("__metadata__");
  const infos = Array.from(
    json,
    ([name, entry]) => parseEntry(entry, { name, file, dataOffset }),
  );
  infos.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(infos, { file, dataOffset, fileByteLength });
  return {
    tensors: new Map(infos.map((info) => [info.name, info])),
    metadata,
    dataOffset,
  };
}

/**
 * Reads the length of the header, which stands before it.
 *
 * @param bytes The first 8 bytes of the file, or more.
 * @param options What to call the file, and how long it is.
 * @returns The byte length of the header without these 8 bytes.
 * @throws {SyntaxError} If the file cannot hold such a header.
 */
export function parseHeaderByteLength(
  bytes: Uint8Array,
  options: Required<ParseHeaderOptions>,
): number {
  const { file, fileByteLength } = options;
  if (bytes.byteLength < PREFIX_BYTE_LENGTH) {
    throw malformed(
      file,
      `it has ${fileByteLength} bytes, wanted at least ${PREFIX_BYTE_LENGTH}: ${INCOMPLETE}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_BYTE_LENGTH);
  const byteLength = view.getBigUint64(0, true);
  if (byteLength > MAX_HEADER_BYTE_LENGTH) {
    const start = new TextDecoder().decode(bytes.subarray(0, 8));
    throw malformed(
      file,
      start === "version "
        ? "it is a pointer of Git LFS, wanted the weights: run git lfs pull"
        : `its header claims ${byteLength} bytes, wanted at most ${MAX_HEADER_BYTE_LENGTH}: it is no safetensors file`,
    );
  }
  const dataOffset = PREFIX_BYTE_LENGTH + Number(byteLength);
  if (dataOffset > fileByteLength) {
    throw malformed(
      file,
      `it has ${fileByteLength} bytes, its header alone needs ${dataOffset}: ${INCOMPLETE}`,
    );
  }
  return Number(byteLength);
}

function parseMetadata(json: StrictJson, file: string): Map<string, string> {
  const metadata = new Map<string, string>();
  if (json === null) return metadata;
  if (!(json instanceof Map)) {
    throw malformed(file, "__metadata__ is not an object, wanted strings");
  }
  for (const [key, value] of json) {
    if (typeof value !== "string") {
      throw malformed(
        file,
        `__metadata__ has no string for ${showJson(key)}, wanted one`,
      );
    }
    metadata.set(key, value);
  }
  return metadata;
}

function parseEntry(
  entry: StrictJson,
  { name, file, dataOffset }: {
    name: string;
    file: string;
    dataOffset: number;
  },
): TensorInfo {
  const wrong = (what: string) =>
    malformed(file, `tensor ${showJson(name)} ${what}`);
  if (!(entry instanceof Map)) throw wrong("is not an object, wanted one");
  const dtype = entry.get("dtype");
  if (typeof dtype !== "string") throw wrong("has no dtype, wanted a text");
  if (!isDtype(dtype)) {
    throw wrong(`has dtype ${showJson(dtype)}, wanted one of the format`);
  }
  const shape = entry.get("shape");
  if (!isIndices(shape)) {
    throw wrong("has no valid shape, wanted integers of at least 0");
  }
  const offsets = entry.get("data_offsets");
  if (!isIndices(offsets) || offsets.length !== 2) {
    throw wrong("has no valid data_offsets, wanted two integers");
  }

  const [begin, end] = offsets as [number, number];
  let byteLength: number;
  try {
    byteLength = tensorByteLength({ dtype, shape });
  } catch (error) {
    throw wrong(`cannot be: ${(error as RangeError).message}`);
  }
  if (end - begin !== byteLength) {
    throw wrong(
      `has ${end - begin} bytes, ${dtype} ${
        showJson(shape)
      } needs ${byteLength} of them`,
    );
  }
  return {
    name,
    dtype,
    shape,
    begin: dataOffset + begin,
    end: dataOffset + end,
  };
}

/** Bytes may neither be missing nor be shared: a file has one meaning. */
function checkCoverage(
  infos: readonly TensorInfo[],
  { file, dataOffset, fileByteLength }: {
    file: string;
    dataOffset: number;
    fileByteLength: number;
  },
): void {
  let end = dataOffset;
  for (const info of infos) {
    if (info.begin !== end) {
      throw malformed(
        file,
        `tensor ${
          showJson(info.name)
        } begins at byte ${info.begin}, wanted ${end}: no holes and no overlaps`,
      );
    }
    end = info.end;
  }
  if (end > fileByteLength) {
    throw malformed(
      file,
      `it has ${fileByteLength} bytes, its header says ${end}: ${INCOMPLETE}`,
    );
  }
  if (end < fileByteLength) {
    throw malformed(
      file,
      `it has ${fileByteLength} bytes, its header says ${end}: wanted no trailing bytes`,
    );
  }
}

function isIndices(json: StrictJson | undefined): json is number[] {
  return Array.isArray(json) &&
    json.every((number) => Number.isSafeInteger(number) && Number(number) >= 0);
}

function malformed(file: string, what: string): SyntaxError {
  return new SyntaxError(`Cannot read ${file}: ${what}`);
}
