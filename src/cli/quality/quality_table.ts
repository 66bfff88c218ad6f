import type { QualityRow } from "../../engine/quality_row.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import { alignedTable, markdownTable } from "../table.ts";

/** A column of the table; a cell without text says that there is no number. */
interface Column {
  /** Its heading, with the unit. */
  readonly name: string;
  /** What a row has there. */
  readonly cell: (row: QualityRow) => string;
  /** Whether it is left out where all rows have the same. */
  readonly isOptional?: boolean;
}

const COLUMNS: readonly Column[] = [
  { name: "attention", cell: (row) => bitsText(row.attnBits) },
  { name: "experts", cell: (row) => bitsText(row.expertBits) },
  {
    name: "activations",
    cell: (row) => row.activations,
    isOptional: true,
  },
  { name: "size", cell: (row) => formatByteLength(row.byteLength) },
  { name: "bits/weight", cell: (row) => row.bitsPerWeight.toFixed(2) },
  { name: "perplexity", cell: perplexityText },
  { name: "change", cell: changeText },
  { name: "KL", cell: (row) => row.divergence?.kl.toPrecision(3) ?? "" },
  {
    name: "same top",
    cell: ({ divergence }) =>
      divergence === null ? "" : percent(divergence.topAgreement, 1),
  },
  { name: "load s", cell: (row) => (row.loadMs / 1000).toFixed(1) },
  { name: "run s", cell: (row) => (row.timeMs / 1000).toFixed(1) },
];

/** Options for {@linkcode qualityTable}. */
export interface QualityTableOptions {
  /** What was measured, on which machine. */
  readonly title: string;
  /** Whether to write Markdown. */
  readonly isMarkdown: boolean;
}

/**
 * Writes rows for people: the table, what its columns mean, and if rows are a grid
 * of bits of attention and of experts, perplexities by both.
 *
 * @param rows The rows, at least one.
 * @param options What it is about, and whether to write Markdown.
 * @returns Lines, with a line break at the end.
 */
export function qualityTable(
  rows: readonly QualityRow[],
  { title, isMarkdown }: QualityTableOptions,
): string {
  const table = isMarkdown ? markdownTable : alignedTable;
  const shown = COLUMNS.filter(({ cell, isOptional }) => {
    const values = new Set(rows.map(cell));
    return isOptional ? values.size > 1 : !values.has("") || values.size > 1;
  });
  const cells = [
    shown.map(({ name }) => name),
    ...rows.map((row) => shown.map(({ cell }) => cell(row))),
  ];
  const matrix = matrixOf(rows);
  return [
    title,
    "",
    ...table(cells),
    "",
    legend(rows),
    ...matrix === null
      ? []
      : ["", "Perplexity by bits:", "", ...table(matrix, { left: [0] })],
    "",
  ].join("\n");
}

/**
 * A row in a few words, as soon as it is there.
 *
 * @param row The row.
 * @returns A line, without a line break.
 */
export function rowLine(row: QualityRow): string {
  const { attnBits, expertBits, activations, timeMs } = row;
  const change = changeText(row);
  return [
    `${attnBits}/${expertBits}` +
    (activations === "float32" ? "" : ` ${activations}`) +
    `: perplexity ${perplexityText(row)}${change && ` (${change})`}`,
    `${formatByteLength(row.byteLength)}`,
    `${(timeMs / 1000).toFixed(1)} s`,
  ].join(", ");
}

/** What the columns mean, a sentence a line. */
function legend(rows: readonly QualityRow[]): string {
  const [{ tokenCount, windowCount }] = rows as [QualityRow];
  const compared = rows.find(({ divergence }) => divergence !== null);
  const count = (value: number) => value.toLocaleString("en-US");
  return [
    `Perplexity of ${count(tokenCount)} tokens` +
    (windowCount > 1 ? ", ± its standard error over windows" : "") + ".",
    "Size: all weights, with scales and zeros, as they lie in memory.",
    ...rows.length > 1
      ? [
        "Change: of perplexity against the first row" +
        (windowCount > 1 ? ", ± its error on the same windows." : "."),
      ]
      : [],
    ...compared === undefined ? [] : [
      "KL: mean divergence of predictions from the first row's, in nats; same " +
      "top: how often both have the same most probable token" +
      (compared.divergence!.tokenCount < tokenCount
        ? ` (both: the first ${count(compared.divergence!.tokenCount)} tokens).`
        : "."),
    ],
  ].join("\n");
}

/** Perplexities, attention by experts; `null` if most of it would be empty. */
function matrixOf(rows: readonly QualityRow[]): string[][] | null {
  const distinct = (of: (row: QualityRow) => number) => [
    ...new Set(rows.map(of)),
  ];
  const attn = distinct(({ attnBits }) => attnBits);
  const experts = distinct(({ expertBits }) => expertBits);
  const types = new Set(rows.map(({ activations }) => activations));
  const isLine = attn.length < 2 || experts.length < 2;
  const isSparse = 2 * rows.length <= attn.length * experts.length;
  if (isLine || isSparse || types.size > 1) return null;
  const cell = (attnBits: number, expertBits: number) =>
    rows.find((row) =>
      row.attnBits === attnBits && row.expertBits === expertBits
    )?.perplexity.toFixed(3) ?? "";
  return [
    ["attention \\ experts", ...experts.map(bitsText)],
    ...attn.map((attnBits) => [
      bitsText(attnBits),
      ...experts.map((expertBits) => cell(attnBits, expertBits)),
    ]),
  ];
}

function bitsText(bits: number): string {
  return `${bits}-bit`;
}

function perplexityText(
  { perplexity, perplexityError }: QualityRow,
): string {
  const error = perplexityError === null
    ? ""
    : ` ± ${perplexityError.toFixed(3)}`;
  return perplexity.toFixed(4) + error;
}

function changeText({ change }: QualityRow): string {
  if (change === null) return "";
  const { share, shareError } = change;
  const digits = Math.abs(share) < 0.001 ? 4 : 2;
  const shown = (share: number) => (100 * share).toFixed(digits);
  const error = shareError === null ? "" : ` ± ${shown(shareError)}`;
  return `${share < 0 ? "" : "+"}${shown(share)}${error} %`;
}

function percent(share: number, digits: number): string {
  return `${(100 * share).toFixed(digits)} %`;
}
