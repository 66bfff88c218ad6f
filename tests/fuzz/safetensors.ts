/** Safetensors files: headers, their lengths, and the bytes behind them. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { parseHeader } from "../../src/io/safetensors.ts";
import { encodeSafetensors } from "../../src/io/safetensors_writer.ts";
import { mutatedBytes } from "./_mutated_bytes.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

const entry = (dtype: string, shape: number[], offsets: number[]) => ({
  dtype,
  shape,
  "data_offsets": offsets,
});

/** Headers of files with as many bytes of data. */
const HEADERS = [
  {},
  { t: entry("U8", [4], [0, 4]) },
  {
    "__metadata__": { format: "pt", "é": "🙂" },
    "a.weight": entry("F16", [3, 2], [0, 12]),
    b: entry("BF16", [], [12, 14]),
    c: entry("I64", [0, 7], [14, 14]),
  },
  {
    z: entry("F32", [1, 2], [4, 12]),
    y: entry("F8_E4M3", [2, 2], [0, 4]),
    x: entry("F4", [4], [12, 14]),
  },
];

const FILES = [
  encodeSafetensors([]),
  encodeSafetensors([
    { name: "a.b", dtype: "F16", shape: [3, 2], bytes: new Uint8Array(12) },
    { name: "c", dtype: "U8", shape: [], bytes: new Uint8Array(1) },
    { name: "d", dtype: "I64", shape: [0, 7], bytes: new Uint8Array(0) },
  ], { format: "pt", "é": "🙂" }),
];

/** Files whose header is as long as they say, and files with a few bytes changed. */
export const SAFETENSORS_FILES: fc.Arbitrary<Uint8Array<ArrayBuffer>> = fc
  .oneof(
    fc.record({
      header: mutatedJson(HEADERS, {
        values: [
          ...["U8", "F16", "BOOL", "I64", "C64", "F6_E2M3", "f32"],
          ...[[0, 4], [4, 8], [0, 0], [2, 3], [4294967296, 4294967296, 0]],
          { t: "x" },
          entry("U8", [], [0, 1]),
          entry("U8", [0], [14, 14]),
        ],
      }),
      padding: fc.constantFrom("", " ", "       ", "\n", "\0"),
      dataByteLength: fc.constantFrom(14, 12, 4, 0, 1, 8, 100),
    }).map(fileOf),
    mutatedBytes(FILES),
  );

/** `parseHeader()` */
export const SAFETENSORS: Target<Uint8Array<ArrayBuffer>> = {
  name: "safetensors",
  cases: 2000,
  inputs: SAFETENSORS_FILES,
  feed: (bytes) =>
    verdictOf(() => {
      const { tensors, dataOffset } = parseHeader(bytes);
      let end = dataOffset;
      for (const tensor of tensors.values()) {
        assert(tensor.begin === end, "a hole or an overlap was accepted");
        end = tensor.end;
      }
      assert(
        end === bytes.length,
        "bytes that belong to nothing were accepted",
      );
    }),
};

function fileOf(
  { header, padding, dataByteLength }: {
    header: string;
    padding: string;
    dataByteLength: number;
  },
): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header + padding);
  const bytes = new Uint8Array(8 + json.byteLength + dataByteLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}
