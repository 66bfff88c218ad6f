/** Bytes and texts that are nearly right. */

import fc from "npm:fast-check@4.11.0";

/** Bytes that mean something to somebody. */
const SNIPPETS: readonly Uint8Array<ArrayBuffer>[] = [
  ...["", "\0", "\n", "\r\n", '"', "{", "}", "[", "]", ",", ":", "\\", " "],
  ...["-1", "1e999", "null", "18446744073709551616", '"__proto__"', "../"],
  ...["\\ud800", "é", "🙂", "\ufeff", "\x1b[2J", "GGUF", "PK\x03\x04"],
  ...["{{", "{%", "%}", "data:", "#", "--", "/", "%00", "="],
].map((text) => new TextEncoder().encode(text)).concat(
  [[0xff], [0x80], [0xff, 0xff, 0xff, 0xff], Array(8).fill(0), [0xc3, 0x28]]
    .map((bytes) => Uint8Array.from(bytes)),
  new Uint8Array(4096),
);

/** One change of bytes. */
interface Edit {
  readonly how:
    | "flip"
    | "set"
    | "insert"
    | "overwrite"
    | "remove"
    | "cut"
    | "splice";
  /** Where: a share of the length, so that it fits any. */
  readonly where: number;
  readonly from: number;
  readonly length: number;
  readonly byte: number;
  readonly snippet: number;
}

/**
 * Bytes made from valid ones by up to eight changes, and some that never were.
 *
 * @param bases Valid bytes.
 * @returns The bytes.
 */
export function mutatedBytes(
  bases: readonly Uint8Array[],
): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const edit: fc.Arbitrary<Edit> = fc.record({
    how: fc.constantFrom<Edit["how"]>(
      ...[
        "flip",
        "set",
        "insert",
        "overwrite",
        "remove",
        "cut",
        "splice",
      ] as const,
    ),
    where: fc.nat(1e6),
    from: fc.nat(1e6),
    length: fc.nat(64),
    byte: fc.nat(255),
    snippet: fc.nat(SNIPPETS.length - 1),
  });
  const changed = fc.tuple(
    fc.constantFrom(...bases),
    fc.constantFrom(...bases),
    fc.array(edit, { maxLength: 8 }),
  ).map(([base, other, edits]) =>
    edits.reduce((bytes, edit) => apply(bytes, other, edit), base.slice())
  );
  const noise = fc.uint8Array({ maxLength: 200 })
    .map((bytes) => bytes.slice());
  return fc.oneof(
    { weight: 12, arbitrary: changed },
    { weight: 1, arbitrary: noise },
  );
}

/**
 * The same of texts; what is no UTF-8 becomes U+FFFD.
 *
 * @param bases Valid texts.
 * @returns The texts.
 */
export function mutatedText(bases: readonly string[]): fc.Arbitrary<string> {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return mutatedBytes(bases.map((text) => encoder.encode(text)))
    .map((bytes) => decoder.decode(bytes));
}

function apply(
  bytes: Uint8Array<ArrayBuffer>,
  other: Uint8Array,
  edit: Edit,
): Uint8Array<ArrayBuffer> {
  const { how, where, from, length, byte } = edit;
  const at = where % (bytes.length + 1);
  const snippet = SNIPPETS[edit.snippet]!;
  const copy = bytes.slice();
  switch (how) {
    case "flip":
      if (at < copy.length) copy[at]! ^= 1 << byte % 8;
      return copy;
    case "set":
      if (at < copy.length) copy[at] = byte;
      return copy;
    case "overwrite":
      copy.set(snippet.subarray(0, copy.length - at), at);
      return copy;
    case "insert":
      return join(bytes.subarray(0, at), snippet, bytes.subarray(at));
    case "remove":
      return join(bytes.subarray(0, at), bytes.subarray(at + length));
    case "cut":
      return bytes.slice(0, at);
    case "splice": {
      const start = from % (other.length + 1);
      return join(bytes.subarray(0, at), other.subarray(start));
    }
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
