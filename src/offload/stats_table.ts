import { type OffloadReport, offloadReport } from "./describe_stats.ts";
import type { LayerRecord, OffloadRecord } from "./offload_stats.ts";

const HEADER = [
  "layer",
  "hits",
  "misses",
  "hit rate",
  "evictions",
  "recall 1/2/3",
  "prompt",
  "MB",
];

/**
 * Writes a record in full: a row for each layer, bytes by cause, time by phase.
 * The column `prompt` has the experts that chunks of the prompt found in slots,
 * of those they used; the others are about decoded tokens.
 *
 * ```text
 * layer  hits  misses  hit rate  evictions    recall 1/2/3  prompt   MB
 *     0    14      24      0.37         24                     0/7  4.9
 *     1    18      20      0.47         17  0.39/0.68/0.87     2/6  3.8
 *   sum    32      44      0.42         41  0.39/0.68/0.87    2/13  8.7
 * bytes  demand 6.9 MB, prefill 1.8 MB
 * time   readback 364.8 ms, decide 2.5 ms, encode 8.4 ms; the GPU idle for 5.1 ms
 * ```
 *
 * @param record The record of an answer.
 * @returns Lines, without a line break at the end. Layers in which nothing
 * happened, since all their experts are on the GPU, have no row.
 */
export function offloadTable(record: OffloadRecord): string {
  const rows = [HEADER];
  for (const [layer, counts] of record.layers.entries()) {
    const report = offloadReport({ ...record, layers: [counts] });
    if (isIdle(counts)) continue;
    rows.push(row(String(layer), report));
  }
  const all = offloadReport(record);
  rows.push(row("sum", all));
  const { idle, ...times } = all.timeMs; // idle is some of the other times
  const widths = HEADER.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length))
  );
  const lines = rows.map((row) =>
    row.map((cell, column) => cell.padStart(widths[column]!)).join("  ")
  );
  return [
    ...lines,
    `bytes  ${listed(all.byteLengths, (value) => `${megabytes(value)} MB`)}`,
    `time   ${listed(times, milliseconds)}; the GPU idle for ${
      milliseconds(idle)
    }`,
  ].join("\n");
}

function row(name: string, report: OffloadReport): string[] {
  const { layers, hitRate, prefetchRecall, byteLengths } = report;
  const total = (pick: (layer: LayerRecord) => number) =>
    layers.reduce((sum, layer) => sum + pick(layer), 0);
  const prefillHits = total((layer) => layer.prefillHits);
  const prefillUses = prefillHits + total((layer) => layer.prefillMisses);
  const bytes = Object.values(byteLengths).reduce((sum, n) => sum + n, 0);
  return [
    name,
    String(total((layer) => layer.hits)),
    String(total((layer) => layer.misses)),
    hitRate === null ? "" : hitRate.toFixed(2),
    String(total((layer) => layer.evictions)),
    prefetchRecall.filter((value) => value !== null)
      .map((value) => value.toFixed(2)).join("/"),
    `${prefillHits}/${prefillUses}`,
    megabytes(bytes),
  ];
}

function isIdle(layer: LayerRecord): boolean {
  return layer.hits + layer.misses + layer.prefillHits +
      layer.prefillMisses === 0;
}

/** What is above 0, such as `demand 6.9 MB, prefill 1.8 MB`. */
function listed(
  values: Readonly<Record<string, number>>,
  show: (value: number) => string,
): string {
  const parts = Object.entries(values)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${words(name)} ${show(value)}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** `prefetchUsed` to `prefetch used`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

function megabytes(byteLength: number): string {
  return (byteLength / 1e6).toFixed(1);
}
