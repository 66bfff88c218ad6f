import { escapeXml } from "./svg.ts";
import type { TraceReport } from "./trace_report.ts";
import { traceSvg } from "./trace_svg.ts";
import {
  hitLayerTables,
  hitTable,
  recallLayerTables,
  recallTable,
  suggestionTable,
  type TraceTable,
  useTable,
} from "./trace_tables.ts";

const STYLE = [
  ":root{color-scheme:light dark;--paper:#fff;--text:#1f2328;--line:#d8dee4}",
  "@media (prefers-color-scheme:dark){:root{--paper:#0d1117;--text:#f0f6fc;--line:#30363d}}",
  "body{margin:2rem auto;max-width:880px;padding:0 1rem;background:var(--paper);color:var(--text);",
  "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}",
  "svg{max-width:100%;height:auto}",
  "h2{font-size:1.1rem;margin-top:2rem}",
  ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}",
  "th,td{padding:.15rem .6rem;border-bottom:1px solid var(--line);text-align:right;font-size:.85rem}",
  ".word{text-align:left}p{font-size:.85rem;white-space:pre-line}",
].join("");

/**
 * Writes a page with the picture of `traceSvg()` and all numbers, those of each
 * layer too. It needs nothing from elsewhere and runs no script.
 *
 * @param report The report of `analyzeTrace()`.
 * @returns HTML.
 */
export function traceHtml(report: TraceReport): string {
  const title = escapeXml(`Routing of ${report.model}`);
  const tables = [
    useTable(report),
    hitTable(report),
    ...report.prefetchRecall.length === 0 ? [] : [recallTable(report)],
    ...report.suggestion === null ? [] : [suggestionTable(report)],
    ...hitLayerTables(report),
    ...recallLayerTables(report),
  ];
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${title}</title>`,
    `<style>${STYLE}</style>`,
    traceSvg(report),
    ...tables.map(htmlTable),
    "</html>",
    "",
  ].join("\n");
}

function htmlTable({ title, rows, left, notes }: TraceTable): string {
  const rowOf = (cells: readonly string[], tag: string) =>
    `<tr>${
      cells.map((cell, i) =>
        `<${tag}${left.includes(i) ? ' class="word"' : ""}>${
          escapeXml(cell)
        }</${tag}>`
      ).join("")
    }</tr>`;
  const [heading, ...body] = rows;
  return [
    `<h2>${escapeXml(title)}</h2>`,
    '<div class="scroll"><table>',
    rowOf(heading!, "th"),
    ...body.map((cells) => rowOf(cells, "td")),
    "</table></div>",
    ...notes.length === 0 ? [] : [`<p>${escapeXml(notes.join("\n"))}</p>`],
  ].join("\n");
}
