import { bold, dim } from "@std/fmt/colors";
import type { ModelDescription } from "../../engine/describe_model.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import type { StoredPart } from "../../model/stored_matrix.ts";

/** The most lines of a chat template that are shown. */
const TEMPLATE_LINES = 3;
/** The most characters of such a line. */
const TEMPLATE_WIDTH = 60;

/**
 * Writes what a model is for people, in groups.
 *
 * @param model The model.
 * @returns Lines, with a line break at the end.
 */
export function describeLines(model: ModelDescription): string {
  const groups: [string, [string, string][]][] = [
    [model.name, sourceRows(model)],
    ["Architecture", architectureRows(model)],
    ["Weights", weightRows(model)],
    ["Memory", memoryRows(model)],
    ["Text", textRows(model)],
  ];
  const width = Math.max(
    ...groups.flatMap(([, rows]) => rows.map(([name]) => name.length)),
  );
  return groups.map(([title, rows]) =>
    [
      bold(title),
      ...rows.map(([name, value]) => `  ${dim(name.padEnd(width))}  ${value}`),
      "",
    ].join("\n")
  ).join("\n");
}

function sourceRows(model: ModelDescription): [string, string][] {
  const { directory, files, fileByteLength, source, changedFiles } = model;
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  const rows: [string, string][] = [
    ["directory", directory],
    ["on disk", `${formatByteLength(fileByteLength)} in ${count}`],
  ];
  if (source !== null) {
    const { owner, name, revision, commit, endpoint, pulledAt } = source;
    const state = commit === null ? "" : `, commit ${commit.slice(0, 8)}`;
    rows.push(
      ["from", `${endpoint}/${owner}/${name}, ${revision}${state}`],
      ["fetched", pulledAt],
    );
  }
  if (changedFiles.length > 0) {
    rows.push([
      "changed",
      `${changedFiles.join(", ")}: not as fetched; moeno pull mends it`,
    ]);
  }
  return rows;
}

function architectureRows({ config }: ModelDescription): [string, string][] {
  const { numHiddenLayers, hiddenSize, intermediateSize } = config;
  const { numAttentionHeads, numKeyValueHeads, headDim } = config;
  return [
    ["family", config.modelType],
    ["layers", `${numHiddenLayers} of width ${number(hiddenSize)}`],
    [
      "experts",
      `${config.numLocalExperts} a layer, of width ${
        number(intermediateSize)
      }; a token uses ${config.numExpertsPerTok}`,
    ],
    [
      "attention",
      `${numAttentionHeads} heads of ${headDim}, ${numKeyValueHeads} of keys and values`,
    ],
    [
      "context",
      `${number(config.maxPositionEmbeddings)} tokens${
        config.slidingWindow === null
          ? ""
          : `, each sees ${number(config.slidingWindow)}`
      }`,
    ],
    [
      "vocabulary",
      `${number(config.vocabSize)}${
        config.tieWordEmbeddings ? ", embeddings tied" : ""
      }`,
    ],
    ["RoPE base", number(config.ropeTheta)],
  ];
}

function weightRows(
  { parameters, weights }: ModelDescription,
): [string, string][] {
  const { total, active, experts } = parameters;
  const share = (100 * experts / total).toFixed(1);
  return [
    ["parameters", `${count(total)}, ${share} % of them in experts`],
    ["for a token", count(active)],
    ["attention", scheme(weights.attn)],
    ["experts", scheme(weights.experts)],
  ];
}

function memoryRows(
  { bytes, config }: ModelDescription,
): [string, string][] {
  const { numHiddenLayers, numLocalExperts, numExpertsPerTok } = config;
  const slots: [string, string][] = [];
  for (
    let count = numExpertsPerTok;
    count <= numLocalExperts;
    count = nextCount(count, numLocalExperts)
  ) {
    const size = bytes.trunk + count * numHiddenLayers * bytes.expert;
    slots.push([`${count} slots`, `${formatByteLength(size)} of weights`]);
  }
  return [
    ["an expert", formatByteLength(bytes.expert)],
    ["all experts", formatByteLength(bytes.experts)],
    ["the rest", formatByteLength(bytes.trunk)],
    ["KV cache", `${formatByteLength(bytes.position)} a token`],
    ...slots,
  ];
}

/** One by one while there are few, then doubling, and all at last. */
function nextCount(count: number, all: number): number {
  if (count === all) return all + 1;
  return all <= 16 ? count + 1 : Math.min(2 * count, all);
}

function textRows(model: ModelDescription): [string, string][] {
  const { tokenizer, chatTemplate, defaults } = model;
  const ends = [tokenizer?.bosToken, tokenizer?.eosToken]
    .filter((token) => typeof token === "string");
  const settings = Object.entries(defaults)
    .filter(([name]) => name !== "eosIds")
    .map(([name, value]) => `${name} ${value}`);
  const lines = (chatTemplate ?? "").trim().split("\n");
  const shown = lines.slice(0, TEMPLATE_LINES).map((line) =>
    line.length <= TEMPLATE_WIDTH ? line : `${line.slice(0, TEMPLATE_WIDTH)}…`
  );
  const isCut = lines.length > TEMPLATE_LINES || shown.join("\n") !==
      lines.join("\n");
  return [
    [
      "tokenizer",
      tokenizer === null
        ? "none: prompts are ids"
        : `${number(tokenizer.vocabSize)} tokens; ${ends.join(" to ")}`,
    ],
    ["defaults", settings.length === 0 ? "none" : settings.join(", ")],
    ...chatTemplate === null
      ? [["template", "none: chat does not work"] as [string, string]]
      : shown.map((line, i): [string, string] => [
        i === 0 ? "template" : "",
        line,
      ]),
    ...isCut && chatTemplate !== null
      ? [["", dim("--template shows all of it")] as [string, string]]
      : [],
  ];
}

/** `HQQ 4 bits, groups of 64 along axis 0, scales of 8 bits in groups of 256` */
function scheme(
  { bits, groupSize, axis, scaleGroupSize, packing }: StoredPart,
) {
  if (bits === 16) return "floats as they are stored";
  const scales = scaleGroupSize === null
    ? "plain scales"
    : `scales of 8 bits in groups of ${scaleGroupSize}`;
  const packed = packing === undefined || packing === "block"
    ? ""
    : `, ${packing} packing`;
  return `HQQ ${bits} bits, groups of ${groupSize} along axis ${axis}, ${scales}${packed}`;
}

/** `46.7 B` */
function count(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} B`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  return number(value);
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}
