import { bold, dim } from "@std/fmt/colors";
import type { Estimate } from "../../engine/forecast/estimate.ts";
import type { Forecast } from "../../engine/forecast/forecast.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import { planText } from "../plan_text.ts";
import { alignedTable, markdownTable } from "../table.ts";
import { LINE_WIDTH, wrap, wrapBeside } from "../wrap.ts";

/** How to know better than to assume. */
const TRACE_HINT = "(chat --trace <path> records how a text is routed, and " +
  "plan --trace-file <path> goes by it)";

/** What such a change costs, and what is not counted of what it brings. */
const BITS_HINT =
  "Fewer bits cost quality; layers are taken to be as fast as " +
  "with the bits that were timed.";

/** A part of the report: lines below a heading. */
interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/**
 * Writes a forecast for people.
 *
 * @param forecast The forecast.
 * @param options Whether to write Markdown.
 * @returns Lines, with a line break at the end.
 */
export function planReport(
  forecast: Forecast,
  { isMarkdown = false }: { isMarkdown?: boolean } = {},
): string {
  const table = (rows: string[][], left: readonly number[] = []) =>
    (isMarkdown ? markdownTable : alignedTable)(rows, { left });
  const listed = (lines: readonly string[]) =>
    lines.flatMap((line) =>
      isMarkdown ? `- ${line}` : wrapBeside("- ", line, LINE_WIDTH)
    );
  const sections: Section[] = [
    { title: "What goes where", lines: fenced(isMarkdown, forecast) },
    {
      title: "Speed",
      lines: listed(speedLines(forecast)),
    },
    {
      title: "With other numbers of slots (misses and MB of a token)",
      lines: table(placementRows(forecast), [2]),
    },
    ...forecast.speedsByHitRate.length === 0 ? [] : [{
      title: "The same plan with other hit rates",
      lines: table(hitRateRows(forecast)),
    }],
    ...changesSection(forecast, table),
    ...forecast.notices.length === 0 ? [] : [{
      title: "Warnings",
      lines: listed(forecast.notices),
    }],
  ];
  const heading = (title: string) => isMarkdown ? `## ${title}` : bold(title);
  return [
    ...isMarkdown ? [titleOf(forecast)] : wrap(titleOf(forecast), LINE_WIDTH),
    ...sections.flatMap(({ title, lines }) => [
      "",
      heading(title),
      ...isMarkdown ? [""] : [],
      ...lines,
    ]),
    "",
  ].join("\n");
}

/** The model and the machine in a line. */
function titleOf(forecast: Forecast): string {
  const { driver, vramByteLength, freeVramByteLength, source } = forecast.gpu;
  const vram = vramByteLength === null
    ? "how much VRAM it has is not known"
    : `${formatByteLength(vramByteLength)} of VRAM` +
      (freeVramByteLength === null
        ? ""
        : `, ${formatByteLength(freeVramByteLength)} free`) +
      ` by ${source}`;
  return [
    `${forecast.model} (${forecast.attnBits}-bit attention, ` +
    `${forecast.expertBits}-bit experts, context ${forecast.contextLength})`,
    `on ${forecast.adapter}${driver === null ? "" : `, driver ${driver}`}: ` +
    vram,
  ].join(" ");
}

function fenced(isMarkdown: boolean, { plan }: Forecast): string[] {
  const lines = planText(plan).split("\n");
  return isMarkdown ? ["```text", ...lines, "```"] : lines;
}

function speedLines(forecast: Forecast): string[] {
  const { expected, costs, hitRates } = forecast;
  const { hitRate, tokensPerSecond, roofline } = expected;
  const lines: string[] = [];
  if (tokensPerSecond !== null) {
    lines.push(
      `${
        speed(tokensPerSecond)
      } tok/s to be expected at the start of a text; ` +
        `link and VRAM allow ${speed(roofline!.tokensPerSecond)}`,
    );
  } else if (costs === null) {
    lines.push("not measured");
  } else {
    lines.push("not known: how fast experts come from disk was not measured");
  }
  if (hitRate !== null) {
    lines.push(`hit rate ${hitRate.toFixed(3)}: ${hitRates.reason}`);
    if (hitRates.source === "uniform") lines.push(TRACE_HINT);
  }
  if (costs === null) return lines;
  const { resident, offloaded, diskGigabytesPerSecond: disk } = costs;
  const rates = [
    `VRAM ${costs.vramGigabytesPerSecond.toFixed(1)} GB/s`,
    ...costs.linkGigabytesPerSecond === null
      ? []
      : [`link ${costs.linkGigabytesPerSecond.toFixed(1)} GB/s`],
    ...disk === null ? [] : [`files ${disk.toFixed(1)} GB/s`],
  ];
  const misses = (offloaded?.layerMs ?? []).map(({ misses, ms }) =>
    `${ms.toFixed(3)} missing ${misses}`
  );
  lines.push(
    dim(
      `measured: ${rates.join(", ")}; a layer ${
        resident.layerMs.toFixed(3)
      } ms` +
        (misses.length === 0 ? "" : `, with slots ${misses.join(", ")}`) +
        `; the rest of a token ${resident.fixedMs.toFixed(3)} ms`,
    ),
  );
  return lines;
}

function placementRows(forecast: Forecast): string[][] {
  const { expertCount, costs, plan, placements, expected } = forecast;
  const budget = formatByteLength(forecast.vramBudgetByteLength);
  const head = ["slots", "VRAM", `in ${budget}`, "hit rate", "misses", "MB"];
  const isShown = costs !== null;
  const rows = placements.map((placement) => [
    `${placement.slots} of ${expertCount}`,
    formatByteLength(placement.vramByteLength),
    placement.isPlanned ? "as planned" : placement.fits ? "fits" : "no",
    ...estimateCells(placement, isShown),
  ]);
  // Layers that differ have no row among the others.
  if (!placements.some(({ isPlanned }) => isPlanned)) {
    const mean = plan.slotCount / plan.slots.length;
    rows.unshift([
      `${mean.toFixed(2)} of ${expertCount}`,
      formatByteLength(plan.vramByteLength),
      "as planned",
      ...estimateCells(expected, isShown),
    ]);
  }
  return [[...head, ...isShown ? ["limit tok/s", "tok/s"] : []], ...rows];
}

function estimateCells(
  { hitRate, missesPerToken, byteLengthPerToken, roofline, tokensPerSecond }:
    Estimate,
  isShown: boolean,
): string[] {
  return [
    hitRate?.toFixed(3) ?? "",
    hitRate === null ? "" : missesPerToken.toFixed(1),
    hitRate === null ? "" : (byteLengthPerToken / 1e6).toFixed(1),
    ...isShown
      ? [
        roofline === null ? "" : speed(roofline.tokensPerSecond),
        tokensPerSecond === null ? "" : speed(tokensPerSecond),
      ]
      : [],
  ];
}

/** Hit rates side by side. */
function hitRateRows({ speedsByHitRate }: Forecast): string[][] {
  return [
    ["hit rate", ...speedsByHitRate.map(({ hitRate }) => hitRate.toFixed(2))],
    [
      "limit tok/s",
      ...speedsByHitRate.map((at) => speed(at.rooflineTokensPerSecond)),
    ],
    [
      "tok/s",
      ...speedsByHitRate.map(({ tokensPerSecond }) =>
        tokensPerSecond === null ? "" : speed(tokensPerSecond)
      ),
    ],
  ];
}

function changesSection(
  { changes, costs, plan, expected }: Forecast,
  table: (rows: string[][], left?: readonly number[]) => string[],
): Section[] {
  if (plan.residentLayers.length === plan.slots.length) return [];
  const title = "Flags that would help";
  if (changes.length === 0) return [{ title, lines: ["none that are known"] }];
  const isShown = costs !== null;
  const rows = changes.map((change) => [
    change.flags,
    `${plan.slotCount} -> ${change.slotCount}`,
    formatByteLength(change.vramByteLength),
    ...isShown
      ? [
        change.tokensPerSecond === null || expected.tokensPerSecond === null
          ? ""
          : `${speed(expected.tokensPerSecond)} -> ${
            speed(change.tokensPerSecond)
          }`,
      ]
      : [],
  ]);
  const head = ["flags", "slots, all layers", "VRAM"];
  const lines = table([[...head, ...isShown ? ["tok/s"] : []], ...rows], [0]);
  return [{
    title,
    lines: changes.some(({ flags }) => flags.includes("-bits "))
      ? [...lines, "", BITS_HINT]
      : lines,
  }];
}

/** Three digits that count. */
function speed(tokensPerSecond: number): string {
  return tokensPerSecond.toFixed(
    tokensPerSecond >= 100 ? 0 : tokensPerSecond >= 10 ? 1 : 2,
  );
}
