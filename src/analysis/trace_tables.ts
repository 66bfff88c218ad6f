import { counted } from "../io/counted.ts";
import type { CurveName } from "./hit_rate_curves.ts";
import { tickStep } from "./tick_step.ts";
import type { TraceReport } from "./trace_report.ts";

/** A part of a report, for people. */
export interface TraceTable {
  /** What it shows. */
  readonly title: string;
  /** Cells by row and column, headings first. */
  readonly rows: readonly (readonly string[])[];
  /** Columns of words. */
  readonly left: readonly number[];
  /** How it is to be read. */
  readonly notes: readonly string[];
}

/** The most experts whose shares are columns of a table. */
export const COLUMN_LIMIT = 16;

/** The most rows of slots. */
const ROW_LIMIT = 17;

/**
 * Shares of experts, and how often they are used again, by layer.
 *
 * @param report The report.
 * @param options What to write for a layer's shares: columns and their heading.
 * @returns The table.
 */
export function useTable(
  { use, expertCount }: TraceReport,
  { heading, cellsOf }: {
    heading: readonly string[];
    cellsOf: (shares: readonly number[]) => readonly string[];
  } = numbersUpTo(expertCount),
): TraceTable {
  const rows = use.layers.map((layer, i) => [
    String(i),
    ...cellsOf(layer.shares),
    layer.effectiveExperts.toFixed(2),
    percent(layer.repeatRate),
    percent(layer.chanceRepeatRate),
  ]);
  const mean = [
    "mean",
    ...heading.map(() => ""),
    use.effectiveExperts.toFixed(2),
    percent(use.repeatRate),
    percent(use.chanceRepeatRate),
  ];
  return {
    title: "Share of a layer's uses that each expert gets, in %",
    rows: [
      ["layer", ...heading, "effective", "used before", "by chance"],
      ...rows,
      mean,
    ],
    left: [],
    notes: [
      "effective: as many experts, all used alike, would be as hard to predict.",
      "used before: uses whose expert the token before used as well, in %;",
      "by chance: the same if tokens knew nothing of each other.",
    ],
  };
}

/**
 * Hit rates by slots.
 *
 * @param report The report.
 * @returns The table.
 */
export function hitTable({ hitRates, topK }: TraceReport): TraceTable {
  const { points } = hitRates[0]!;
  return {
    title: "Hit rate by slots of each layer, in %",
    rows: [
      ["slots", ...hitRates.map(({ policy }) => nameOf(policy))],
      ...shownOf(points.length).map((i) => [
        String(points[i]!.slots),
        ...hitRates.map(({ points }) => percent(points[i]!.hitRate)),
      ]),
    ],
    left: [],
    notes: [
      "Belady: the best that loading on demand can do, by knowing what comes.",
      ...topK === 1 ? [] : [
        `Fewer than ${topK} slots are no choice: a token needs ${topK} experts at once.`,
      ],
    ],
  };
}

/**
 * Hit rates of each layer by slots.
 *
 * @param report The report.
 * @returns A table for each policy.
 */
export function hitLayerTables(
  { hitRates, layerCount }: TraceReport,
): TraceTable[] {
  return hitRates.map(({ policy, points }) => {
    const shown = shownOf(points.length).map((i) => points[i]!);
    return {
      title: `Hit rate of each layer by slots, ${nameOf(policy)}, in %`,
      rows: [
        ["layer", ...shown.map(({ slots }) => String(slots))],
        ...Array.from({ length: layerCount }, (_, layer) => [
          String(layer),
          ...shown.map(({ layers }) => percent(layers[layer]!)),
        ]),
      ],
      left: [],
      notes: [],
    };
  });
}

/**
 * Recall of guesses by depth.
 *
 * @param report The report.
 * @returns The table.
 */
export function recallTable(report: TraceReport): TraceTable {
  const { prefetchRecall, topK } = report;
  const isFar = prefetchRecall.some(({ depth }) => depth > 1);
  return {
    title: "Prefetch recall: uses whose expert was guessed, in %",
    rows: [
      ["layers ahead", ...guessHeadings(report)],
      ...prefetchRecall.map(({ depth, recalls }) => [
        String(depth),
        ...recalls.map(percent),
      ]),
    ],
    left: [],
    notes: [
      ...topK === 1 ? [] : [
        `One guess can hold ${
          percent(1 / topK)
        } % at most: a token uses ${topK} experts.`,
      ],
      ...isFar ? [] : [
        "For more layers ahead record the trace with --trace-ahead 2,10 or others.",
      ],
    ],
  };
}

/**
 * Recall of guesses about each layer.
 *
 * @param report The report.
 * @returns A table for each depth.
 */
export function recallLayerTables(report: TraceReport): TraceTable[] {
  return report.prefetchRecall.map(({ depth, layers }) => ({
    title: `Prefetch recall of each layer, guessed ${
      counted(depth, "layer")
    } ahead, in %`,
    rows: [
      ["layer", ...guessHeadings(report)],
      ...layers.flatMap((recalls, layer) =>
        recalls === null ? [] : [[String(layer), ...recalls.map(percent)]]
      ),
    ],
    left: [],
    notes: [],
  }));
}

/**
 * What suggested slots bring.
 *
 * @param report The report, which suggests some.
 * @returns The table.
 */
export function suggestionTable({ suggestion }: TraceReport): TraceTable {
  const { heldOut, policy, evenSlots, ...all } = suggestion!;
  const slotCount = evenSlots.reduce((sum, count) => sum + count, 0);
  const rowOf = (name: string, { tokenCount, ...rates }: typeof all) => [
    name,
    String(tokenCount),
    percent(rates.evenHitRate),
    percent(rates.hitRate),
    points(rates.hitRate - rates.evenHitRate),
  ];
  return {
    title: `${slotCount} slots for all layers: hit rate with ${policy}, in %`,
    rows: [
      ["slots found on", "tokens", "even", "suggested", "gain"],
      rowOf("all tokens, tried on the same", all),
      ...heldOut === null
        ? []
        : [rowOf("the first half, tried on the second", heldOut)],
    ],
    left: [0],
    notes: [
      `even:      --slots ${evenSlots.join(",")}`,
      `suggested: --slots ${all.slots.join(",")}`,
      ...heldOut === null || heldOut.hitRate > heldOut.evenHitRate ? [] : [
        "On tokens that they were not found on, such slots gain nothing: record more.",
      ],
    ],
  };
}

/** Which of so many points are shown: the first, the last, some between. */
function shownOf(pointCount: number): number[] {
  const last = pointCount - 1;
  const step = tickStep(pointCount, ROW_LIMIT);
  return Array.from({ length: pointCount }, (_, i) => i)
    .filter((i) => i === 0 || (last - i) % step === 0);
}

function guessHeadings({ prefetchRecall }: TraceReport): string[] {
  return prefetchRecall[0]!.recalls
    .map((_, i) => counted(i + 1, "guess", "guesses"));
}

/** Columns of numbers, unless there are too many of them. */
function numbersUpTo(expertCount: number) {
  const isFew = expertCount <= COLUMN_LIMIT;
  return {
    heading: isFew ? Array.from({ length: expertCount }, (_, i) => `${i}`) : [],
    cellsOf: (shares: readonly number[]) => isFew ? shares.map(percent) : [],
  };
}

function nameOf(policy: CurveName): string {
  return policy === "belady" ? "Belady" : policy;
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** A difference of shares, in percent points. */
function points(difference: number): string {
  return `${difference < 0 ? "" : "+"}${(100 * difference).toFixed(1)}`;
}
