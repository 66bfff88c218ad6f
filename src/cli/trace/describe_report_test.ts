import { setColorEnabled } from "@std/fmt/colors";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { storiesTrace } from "../../analysis/_testdata.ts";
import { analyzeTrace } from "../../analysis/trace_report.ts";
import { syntheticTrace } from "../../offload/synthetic_trace.ts";
import { describeReport } from "./describe_report.ts";
import { slotsFileText } from "./slots_file_text.ts";

const PLAIN = { isMarkdown: false, hasLayers: false };

/** Runs with colours on or off, as main() decides it. */
function withColors<T>(isOn: boolean, fn: () => T): T {
  setColorEnabled(isOn);
  try {
    return fn();
  } finally {
    setColorEnabled(false);
  }
}

Deno.test("colours change no letter of a heat map", {
  ignore: Deno.noColor, // then there are none, whoever asks
}, async () => {
  const report = analyzeTrace(await storiesTrace(), { slotCount: 24 });
  const plain = withColors(false, () => describeReport(report, PLAIN));
  const coloured = withColors(true, () => describeReport(report, PLAIN));
  // deno-lint-ignore no-control-regex
  assertEquals(coloured.replace(/\x1b\[[\d;]*m/g, ""), plain);
  // deno-lint-ignore no-control-regex
  const colours = coloured.match(/\x1b\[48;5;\d+m/g) ?? [];
  // NO_COLOR has the last word.
  assertEquals(colours.length, Deno.noColor ? 0 : 6 * 8);
  assertStringIncludes(
    plain,
    "    3  15▇  17█  12▆   9▄  18█   5▃  10▅  13▆       7.51",
  );
  assertEquals(plain.split("\n").filter(({ length }) => length > 80), []);
});

Deno.test("many experts are a block each", () => {
  const shape = { seed: 1, tokenCount: 40, layerCount: 3, expertCount: 40 };
  const report = analyzeTrace(syntheticTrace(shape), { policies: ["lru"] });
  const lines = describeReport(report, PLAIN).split("\n");
  assert(/^ {4}2 {2}[▁-█]{40} {2}/.test(lines[6]!), lines[6]);
  const rows = lines.filter((line) => /^ +\d+ +\d+\.\d +\d+\.\d$/.test(line));
  assert(rows.length > 8 && rows.length < 18, `${rows.length} rows of slots`);
  assert(rows.at(-1)!.trim().startsWith("40 "), rows.at(-1));
});

Deno.test("a name ends no line and no comment", async () => {
  const trace = { ...await storiesTrace(), model: "a\n9 9 9\u2028b" };
  const report = analyzeTrace(trace, { slotCount: 24 });
  assertStringIncludes(
    describeReport(report, PLAIN),
    "a 9 9 9\uFFFDb: 512 decoded",
  );
  const text = slotsFileText(report, "a\r\nb.trace");
  assertStringIncludes(text, "# 24 slots of a 9 9 9\uFFFDb, from a b.trace\n");
  assertEquals(
    text.replace(/#.*/g, "").match(/\d+/g),
    ["4", "6", "5", "5", "2", "2"],
  );
});
