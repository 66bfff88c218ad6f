import { assertEquals, assertThrows } from "@std/assert";
import { parseFlags } from "../args.ts";
import { UsageError } from "../usage_error.ts";
import {
  checkQualityFlags,
  QUALITY_FLAGS,
  qualityCases,
} from "./quality_flags.ts";

const FLOATS = { attnBits: 16, expertBits: 16 } as const;

function cases(
  args: readonly string[],
  stored: Parameters<typeof qualityCases>[1] = FLOATS,
): string[] {
  const { values } = parseFlags(QUALITY_FLAGS, args);
  checkQualityFlags(values);
  return qualityCases(values, stored).map(
    ({ attnBits, expertBits, activations }) =>
      `${attnBits}/${expertBits} ${activations}`,
  );
}

Deno.test("qualityCases() are the paper's, of what is not quantized yet", () => {
  assertEquals(cases([]).length, 16);
  assertEquals(cases([])[1], "16/4 float32");
  assertEquals(cases([], { attnBits: 4, expertBits: 2 }), ["4/2 float32"]);
  assertEquals(cases([], { attnBits: 16, expertBits: 2 }), [
    "16/2 float32",
    "4/2 float32",
    "3/2 float32",
    "2/2 float32",
  ]);
});

Deno.test("qualityCases() takes bits by part, or pairs", () => {
  assertEquals(
    cases(["--attn-bits", "8,4,8", "--expert-bits", "4, 2"]),
    ["8/4", "8/2", "4/4", "4/2"].map((pair) => `${pair} float32`),
  );
  assertEquals(
    cases([
      ...["--bits", "16/16, 4/2,16/16", "--decode"],
      ...["--activations", "float32,int8"],
    ]),
    ["16/16 float32", "16/16 int8", "4/2 float32", "4/2 int8"],
  );
});

Deno.test("the flags of quality say in a sentence what does not go", () => {
  const wrong: [string[], string][] = [
    [["--attn-bits", "4,5"], "--attn-bits is 5, wanted one of 16, 8, 4, 3, 2"],
    [["--bits", "4"], '--bits is "4", wanted pairs such as 16/16,4/2 of 16, 8'],
    [["--bits", "4/5"], '--bits is "4/5", wanted pairs'],
    [["--bits", "4/4/4"], '--bits is "4/4/4", wanted pairs'],
    [["--bits", "4/4", "--attn-bits", "2"], "--bits does not go with --attn-"],
    [["--json", "--markdown"], "--json does not go with --markdown"],
    [["--context", "512"], "Unknown flag --context"],
    [["--trace-ahead", "2"], "Unknown flag --trace-ahead"],
  ];
  for (const [args, message] of wrong) {
    assertThrows(() => cases(args), UsageError, message);
  }
});
