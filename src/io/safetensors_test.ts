import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { parseHeader } from "./safetensors.ts";
import { encodeSafetensors } from "./safetensors_writer.ts";
import { BITS_PER_ELEMENT } from "./tensor_spec.ts";

const TESTDATA = new URL("../../tests/testdata/safetensors/", import.meta.url);

/** A file with this header and `dataByteLength` zeros after it. */
function fileOf(header: string, dataByteLength = 0): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.byteLength + dataByteLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

function tensor(dtype: string, shape: string, offsets: string): string {
  return `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
}

Deno.test("parseHeader() gives the verdicts of the reference reader", () => {
  const verdicts = JSON.parse(
    Deno.readTextFileSync(new URL("verdicts.json", TESTDATA)),
  ) as Record<string, { accepted: boolean; tensors?: string[] }>;
  for (const [name, verdict] of Object.entries(verdicts)) {
    const file = `${name}.safetensors`;
    const bytes = Deno.readFileSync(new URL(file, TESTDATA));
    if (verdict.accepted) {
      const { tensors } = parseHeader(bytes, { file });
      assertEquals([...tensors.keys()].sort(), verdict.tensors, name);
    } else {
      const message = `Cannot read ${file}: `;
      assertThrows(() => parseHeader(bytes, { file }), SyntaxError, message);
    }
  }
});

Deno.test("parseHeader() gives the reference reader's verdicts on nearly valid files", () => {
  // Made by tests/fuzz/compare_safetensors.ts, with safetensors 0.8.0.
  const mutants = JSON.parse(
    Deno.readTextFileSync(new URL("mutants.json", TESTDATA)),
  ) as [base64: string, accepted: boolean][];
  assertEquals(mutants.length, 217);
  for (const [base64, accepted] of mutants) {
    const bytes = Uint8Array.fromBase64(base64);
    const message = "Cannot read safetensors: ";
    if (accepted) parseHeader(bytes);
    else {
      assertThrows(() => parseHeader(bytes), SyntaxError, message, base64);
    }
  }
});

Deno.test("parseHeader() gives offsets into the file, in order of bytes", () => {
  const header = `{"__metadata__":{"format":"pt"},"z":${
    tensor("F16", "[2,1]", "[3,7]")
  },"a":${tensor("I8", "[3]", "[0,3]")}}`;
  const { tensors, metadata, dataOffset } = parseHeader(fileOf(header, 7));
  assertEquals(dataOffset, 8 + header.length);
  assertEquals([...metadata], [["format", "pt"]]);
  assertEquals([...tensors.values()], [
    {
      name: "a",
      dtype: "I8",
      shape: [3],
      begin: dataOffset,
      end: dataOffset + 3,
    },
    {
      name: "z",
      dtype: "F16",
      shape: [2, 1],
      begin: dataOffset + 3,
      end: dataOffset + 7,
    },
  ]);
});

Deno.test("parseHeader() knows every dtype of the format", () => {
  assertEquals(Object.keys(BITS_PER_ELEMENT).length, 22);
  for (const [dtype, bitsPerElement] of Object.entries(BITS_PER_ELEMENT)) {
    const header = (end: number) =>
      fileOf(`{"t":${tensor(dtype, "[4,2]", `[0,${end}]`)}}`, end);
    const { tensors } = parseHeader(header(bitsPerElement));
    assertEquals(tensors.get("t")?.dtype, dtype);
    assertThrows(() => parseHeader(header(bitsPerElement + 1)), SyntaxError);
  }
});

Deno.test("parseHeader() takes names that are special elsewhere", () => {
  const header = `{"__proto__":${tensor("U8", "[1]", "[0,1]")},"0":${
    tensor("U8", "[]", "[1,2]")
  },"":${tensor("U8", "[0]", "[2,2]")},"\\u00e9\\n":${
    tensor("U8", "[1]", "[2,3]")
  },"__metadata__":null}`;
  const { tensors } = parseHeader(fileOf(header, 3));
  assertEquals([...tensors.keys()], ["__proto__", "0", "", "é\n"]);
});

Deno.test("parseHeader() refuses malformed headers with a sentence", async (t) => {
  const good = tensor("U8", "[1]", "[0,1]");
  const cases: [string, Uint8Array, string][] = [
    [
      "header larger than the file",
      fileOf("{}").slice(0, 9),
      "it has 9 bytes, its header alone needs 10: probably an incomplete download",
    ],
    [
      "header over 100 MB",
      new Uint8Array(8).fill(0xff),
      "its header claims 18446744073709551615 bytes, wanted at most 100000000",
    ],
    [
      "pointer of Git LFS",
      new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"),
      "run git lfs pull",
    ],
    ["invalid UTF-8", fileOf("{}").fill(0xff, 8), "not UTF-8"],
    ["byte order mark", fileOf("\ufeff{}"), "wanted a value"],
    ["array", fileOf("[]"), "not an object"],
    ["trailing text", fileOf("{}x"), "wanted the end"],
    ["padding with zeros", fileOf("{}\0\0"), "wanted the end"],
    ["trailing comma", fileOf(`{"t":${good},}`, 1), "wanted a key"],
    ["open object", fileOf(`{"t":`), "JSON ends"],
    ["open string", fileOf(`{"t\\"`), "wanted a string"],
    ["half a surrogate pair", fileOf(`{"\\ud800":${good}}`, 1), "a string"],
    ["deep nesting", fileOf("[".repeat(1e5)), "wanted less nesting"],
    ["duplicate name", fileOf(`{"t":${good},"t":${good}}`, 1), "occurs twice"],
    [
      "duplicate field",
      fileOf(`{"t":{"dtype":"U8",${good.slice(1)}}`, 1),
      "occurs twice",
    ],
    ["metadata as text", fileOf(`{"__metadata__":"x"}`), "not an object"],
    ["entry as null", fileOf(`{"t":null}`), 'tensor "t" is not an object'],
    ["no dtype", fileOf(`{"t":{"shape":[],"data_offsets":[0,1]}}`), "no dtype"],
    [
      "shape of many dimensions",
      fileOf(`{"t":${tensor("U8", `[${Array(9999).fill(1)}]`, "[0,0]")}}`),
      "has 0 bytes, U8 [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1… needs 1",
    ],
    ["unknown dtype", fileOf(`{"t":${tensor("F33", "[]", "[0,4]")}}`), "F33"],
    [
      "inherited dtype",
      fileOf(`{"t":${tensor("toString", "[]", "[0,4]")}}`),
      "has dtype",
    ],
    ...["[1.0]", "[1e0]", "[-1]", "[-0]", '["1"]', "[9007199254740992]", "1"]
      .map((shape): [string, Uint8Array, string] => [
        `shape ${shape}`,
        fileOf(`{"t":${tensor("U8", shape, "[0,1]")}}`, 1),
        "no valid shape",
      ]),
    [
      "overflowing product",
      fileOf(`{"t":${tensor("U8", "[4294967296,4294967296,0]", "[0,0]")}}`),
      "too many elements",
    ],
    [
      "three offsets",
      fileOf(`{"t":${tensor("U8", "[1]", "[0,1,2]")}}`, 2),
      "no valid data_offsets",
    ],
    [
      "offsets backwards",
      fileOf(`{"t":${tensor("U8", "[1]", "[1,0]")}}`, 1),
      "has -1 bytes",
    ],
    [
      "half bytes",
      fileOf(`{"t":${tensor("F4", "[3]", "[0,2]")}}`, 2),
      "wanted whole bytes",
    ],
    [
      "overlap",
      fileOf(`{"a":${good},"b":${tensor("U8", "[2]", "[0,2]")}}`, 2),
      "no holes and no overlaps",
    ],
    [
      "truncated data",
      fileOf(`{"t":${tensor("U8", "[9]", "[0,9]")}}`, 8),
      "it has 69 bytes, its header says 70: probably an incomplete download, download it again",
    ],
    ["trailing bytes", fileOf("{}", 1), "wanted no trailing bytes"],
  ];
  for (const [name, bytes, message] of cases) {
    await t.step(name, () => {
      const error = assertThrows(() => parseHeader(bytes), SyntaxError);
      assertEquals(error.message.startsWith("Cannot read safetensors: "), true);
      assertEquals(error.message.includes(message), true, error.message);
    });
  }
});

Deno.test("parseHeader() needs only the start of a long file", () => {
  const bytes = fileOf(`{"t":${tensor("U8", "[9]", "[0,9]")}}`);
  const fileByteLength = bytes.byteLength + 9;
  assertEquals(parseHeader(bytes, { fileByteLength }).tensors.size, 1);
  const start = bytes.subarray(0, 20);
  assertThrows(() => parseHeader(start, { fileByteLength }), RangeError);
});

Deno.test("parseHeader() never does anything but parse or refuse", () => {
  const seed = 0x5afe7e45;
  const random = mulberry32(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const snippets = [
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "-1",
    "1e999",
    "null",
    "18446744073709551616",
    '"__proto__"',
    '"__metadata__"',
    "\\ud800",
    " ",
    "\0",
  ].map((text) => new TextEncoder().encode(text));
  const valid = [
    encodeSafetensors([]),
    encodeSafetensors([
      { name: "a.b", dtype: "F16", shape: [3, 2], bytes: new Uint8Array(12) },
      { name: "c", dtype: "U8", shape: [], bytes: new Uint8Array(1) },
      { name: "d", dtype: "I64", shape: [0, 7], bytes: new Uint8Array(0) },
    ], { format: "pt", "é": "🙂" }),
  ];
  let accepted = 0;
  for (let round = 0; round < 20_000; round++) {
    let bytes = valid[below(valid.length)]!.slice();
    const kind = below(4);
    if (kind === 0) {
      bytes = new Uint8Array(below(64)).map(() => below(256));
      if (below(2) === 0) bytes.fill(0, 1, 8); // a length that fits
    }
    if (kind === 1) bytes = bytes.slice(0, below(bytes.length + 1));
    for (let edits = kind < 2 ? 0 : 1 + below(3); edits > 0; edits--) {
      const at = kind === 2 ? below(bytes.length) : 8 + below(bytes.length - 8);
      if (kind === 2) bytes[at] = below(256);
      else {bytes.set(
          snippets[below(snippets.length)]!.slice(0, bytes.length - at),
          at,
        );}
    }
    try {
      const { tensors } = parseHeader(bytes);
      accepted++;
      for (const { begin, end } of tensors.values()) {
        assertEquals(begin <= end && end <= bytes.byteLength, true);
      }
    } catch (error) {
      const where = `seed ${seed}, round ${round}`;
      assertInstanceOf(error, SyntaxError, `${where}: ${error}`);
    }
  }
  assertEquals(accepted > 100, true, `seed ${seed}: accepted ${accepted}`);
});

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
