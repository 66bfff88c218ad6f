import type { BenchRow } from "../../engine/bench_row.ts";
import type { MeanDeviation } from "../../engine/mean_deviation.ts";
import { counted } from "../../io/counted.ts";
import { alignedTable, markdownTable } from "../table.ts";

/** A column of the table; a cell without text says that there is no number. */
interface Column {
  /** Its heading, with the unit. */
  readonly name: string;
  /** What a row has there. */
  readonly cell: (row: BenchRow) => string;
  /** How the caption says it if all rows have the same; without it, it stays. */
  readonly caption?: (cell: string) => string;
}

const COLUMNS: readonly Column[] = [
  {
    name: "attn bits",
    cell: (row) => String(row.attnBits),
    caption: (cell) => `${cell}-bit attention`,
  },
  {
    name: "expert bits",
    cell: (row) => String(row.expertBits),
    caption: (cell) => `${cell}-bit experts`,
  },
  { name: "slots", cell: slotsOf },
  {
    name: "store",
    cell: (row) => row.stores?.join("+") ?? "",
    caption: (cell) => `store ${cell}`,
  },
  {
    name: "policy",
    cell: (row) => row.policy ?? "",
    caption: (cell) => cell,
  },
  {
    name: "prefetch",
    cell: (row) => row.prefetch ?? "",
    caption: (cell) => `prefetch ${cell}`,
  },
  {
    name: "residency",
    cell: (row) => row.residency ?? "",
    caption: (cell) => `residency ${cell}`,
  },
  {
    name: "prompt",
    cell: (row) => String(row.promptTokens),
    caption: (cell) => `prompt of ${cell}`,
  },
  {
    name: "tokens",
    cell: (row) => String(row.tokens),
    caption: (cell) => `${counted(Number(cell), "token")} after it`,
  },
  {
    name: "runs",
    cell: (row) => String(row.tokensPerSecond.values.length),
    caption: (cell) => counted(Number(cell), "run"),
  },
  { name: "VRAM MB", cell: (row) => (row.vramByteLength / 1e6).toFixed(0) },
  { name: "prompt tok/s", cell: (row) => speed(row.promptTokensPerSecond) },
  { name: "tok/s", cell: (row) => speed(row.tokensPerSecond) },
  { name: "hit rate", cell: (row) => shown(row.hitRate, 3) },
  { name: "misses/token", cell: (row) => shown(row.missesPerToken, 1) },
  {
    name: "link MB/token",
    cell: (row) =>
      row.linkByteLengthPerToken === null
        ? ""
        : (row.linkByteLengthPerToken / 1e6).toFixed(1),
  },
  { name: "GPU wait ms/token", cell: (row) => shown(row.waitMsPerToken, 2) },
  {
    name: "link GB/s",
    cell: (row) => shown(row.linkGigabytesPerSecond, 1),
    caption: (cell) => `link ${cell} GB/s`,
  },
  {
    name: "VRAM GB/s",
    cell: (row) => shown(row.vramGigabytesPerSecond, 1),
    caption: (cell) => `VRAM ${cell} GB/s`,
  },
  { name: "link ms", cell: (row) => shown(row.roofline.linkMs, 2) },
  { name: "VRAM ms", cell: (row) => shown(row.roofline.vramMs, 2) },
  { name: "roofline tok/s", cell: (row) => down(row.roofline.tokensPerSecond) },
  { name: "share %", cell: (row) => down(100 * row.rooflineShare) },
];

/** What the numbers of the roofline are. */
const LEGEND = "link ms = misses x expert bytes / link rate; VRAM ms = bytes " +
  "that a token reads / VRAM rate; roofline = 1000 / the longer; share = " +
  "tok/s / roofline";

/**
 * Writes rows for people: a line of what they have in common, a table with the
 * units in its headings, and a line that explains the roofline. Speeds and
 * shares are cut off, not rounded.
 *
 * @param rows The rows, at least one.
 * @param options What is measured and on which machine, if the lines are to say
 * so; and whether to write Markdown.
 * @returns Lines, with a line break at the end.
 */
export function benchTable(
  rows: readonly BenchRow[],
  { title, isMarkdown = false }: { title?: string; isMarkdown?: boolean } = {},
): string {
  const cells = rows.map((row) => COLUMNS.map(({ cell }) => cell(row)));
  const common = COLUMNS.map(({ caption }, i) => {
    const values = new Set(cells.map((row) => row[i]!));
    values.delete(""); // it says nothing of those rows
    if (values.size === 0) return "";
    return caption && values.size === 1 ? caption([...values][0]!) : null;
  });
  const isShown = (_: unknown, i: number) => common[i] === null;
  const table = [
    COLUMNS.map(({ name }) => name).filter(isShown),
    ...cells.map((row) => row.filter(isShown)),
  ];
  const caption = [title, ...common].filter((text) => text).join(", ");
  const lines = isMarkdown ? markdownTable(table) : alignedTable(table);
  return [caption, "", ...lines, "", LEGEND, ""].join("\n");
}

/** `42.5 ± 0.3` */
export function speed({ mean, deviation }: MeanDeviation): string {
  return deviation === null
    ? down(mean)
    : `${down(mean)} ± ${deviation.toFixed(1)}`;
}

/** `5 of 8`, or how many of all where layers differ. */
export function slotsOf({ slots, expertCount }: BenchRow): string {
  if (slots.every((count) => count === slots[0])) {
    return `${slots[0]} of ${expertCount}`;
  }
  const sum = slots.reduce((sum, count) => sum + count, 0);
  return `${sum} of ${slots.length} x ${expertCount}`;
}

function shown(value: number | null, digits: number): string {
  return value === null ? "" : value.toFixed(digits);
}

/** One digit, never more than the number is. */
function down(value: number): string {
  return (Math.floor(value * 10) / 10).toFixed(1);
}
