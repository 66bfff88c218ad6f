import { bold, dim } from "@std/fmt/colors";
import { largestShare } from "../../analysis/expert_use.ts";
import {
  describeTrace,
  type TraceReport,
} from "../../analysis/trace_report.ts";
import {
  COLUMN_LIMIT,
  hitLayerTables,
  hitTable,
  recallLayerTables,
  recallTable,
  suggestionTable,
  type TraceTable,
  useTable,
} from "../../analysis/trace_tables.ts";
import { harmlessLine } from "../../io/harmless.ts";
import { alignedTable, markdownTable } from "../table.ts";
import { blockOf, heated } from "./heat_cells.ts";

/** How to write a report. */
export interface DescribeOptions {
  /** Whether in Markdown. */
  isMarkdown: boolean;
  /** Whether with the numbers of each layer. */
  hasLayers: boolean;
}

/**
 * Writes a report for people.
 *
 * @param report The report.
 * @param options How.
 * @returns Lines, with a line break at the end.
 */
export function describeReport(
  report: TraceReport,
  { isMarkdown, hasLayers }: DescribeOptions,
): string {
  const rest = [
    hitTable(report),
    ...hasLayers ? hitLayerTables(report) : [],
    ...report.prefetchRecall.length === 0 ? [] : [recallTable(report)],
    ...hasLayers ? recallLayerTables(report) : [],
    ...report.suggestion === null ? [] : [suggestionTable(report)],
  ];
  if (isMarkdown) {
    return [
      `## Routing of ${harmlessLine(report.model)}`,
      `${describeTrace(report)}.`,
      ...[useTable(report), ...rest].map(markdownPart),
    ].join("\n\n") + "\n";
  }
  return [
    `${bold(harmlessLine(report.model))}: ${describeTrace(report)}`,
    usePart(report),
    ...rest.map(textPart),
    ...report.prefetchRecall.length > 0
      ? []
      : ["Prefetch recall: the trace holds no guesses."],
  ].join("\n\n") + "\n";
}

function textPart({ title, rows, left, notes }: TraceTable): string {
  return [
    bold(title),
    ...alignedTable(rows, { left }),
    ...notes.map((note) => dim(note)),
  ].join("\n");
}

function markdownPart({ title, rows, left, notes }: TraceTable): string {
  return [
    `### ${title}`,
    "",
    ...markdownTable(rows, { left }),
    ...notes.length === 0 ? [] : ["", notes.join("  \n")],
  ].join("\n");
}

/**
 * The heat map: numbers and blocks, or one block for each of many experts. Whole
 * percents, so that eight fit into 80 columns; Markdown has more digits.
 */
function usePart(report: TraceReport): string {
  const { use, expertCount } = report;
  const most = largestShare(use);
  const isFew = expertCount <= COLUMN_LIMIT;
  const heading = isFew
    ? Array.from({ length: expertCount }, (_, i) => `${i} `)
    : [`experts 0 to ${expertCount - 1}`.padEnd(expertCount)];
  const cellOf = (share: number) =>
    isFew
      ? `${(100 * share).toFixed(0)}${blockOf(share, most)}`
      : blockOf(share, most);
  const table = useTable(report, {
    heading,
    cellsOf: (shares) => {
      const cells = shares.map(cellOf);
      return isFew ? cells : [cells.join("")];
    },
  });
  // Colours come last: they would count as letters of a cell.
  const [title, first, ...lines] = textPart(table).split("\n");
  const coloured = lines.map((line, layer) => {
    const shares = use.layers[layer]?.shares;
    if (shares === undefined) return line;
    let at = 0;
    return line.replace(/ *\d+[▁-█]|[▁-█]/g, (cell) => {
      const share = shares[at++]!;
      return heated(cell, share, most);
    });
  });
  const legend = isFew ? [] : [
    dim(`█ is ${(100 * most).toFixed(1)} %, the most of all.`),
  ];
  return [title, first, ...coloured, ...legend].join("\n");
}
