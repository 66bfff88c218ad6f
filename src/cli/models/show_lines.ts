import { bold, dim } from "@std/fmt/colors";
import type {
  ModelDescription,
  WeightsDescription,
} from "../../engine/describe_model.ts";
import { isOfRightLength } from "../../hub/model_files.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import { counted } from "../../io/counted.ts";
import { harmlessLine } from "../../io/harmless.ts";

/** A name and what it is. */
type Row = readonly [string, string];

/** Characters of names, so that values begin at one column. */
const NAME_WIDTH = 22;

/** Lines of the chat template, and characters of each, that are shown. */
const TEMPLATE_LINES = 4;
const TEMPLATE_WIDTH = 72;

/** Slots that get a line each. */
const MAX_SLOT_LINES = 8;

/**
 * Writes for people what a model is.
 *
 * @param model The model.
 * @param options Whether to list every file.
 * @returns Lines in groups.
 */
export function showLines(
  model: ModelDescription,
  { isVerbose }: { isVerbose: boolean },
): string[] {
  return [
    bold(harmlessLine(model.name)),
    dim(`  ${harmlessLine(model.directory)}`),
    ...group("Architecture", architectureRows(model)),
    ...group("Weights", weightRows(model)),
    ...group("On the GPU", gpuRows(model)),
    ...group("Text", textRows(model)),
    ...templateLines(model),
    ...group("Source", sourceRows(model)),
    ...group("Files", fileRows(model, isVerbose)),
  ];
}

/**
 * Writes how many there are.
 *
 * @param count The number.
 * @returns Such as `46.7 B`, `17.6 M` or `512`.
 */
export function formatCount(count: number): string {
  if (count < 1000) return String(count);
  return new Intl.NumberFormat("en", {
    notation: "compact",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }).format(count).replace(/\D$/, " $&");
}

function architectureRows({ config }: ModelDescription): Row[] {
  const { numHiddenLayers, numLocalExperts, numExpertsPerTok } = config;
  const { numAttentionHeads, numKeyValueHeads, slidingWindow } = config;
  return [
    ["family", config.modelType],
    ["layers", String(numHiddenLayers)],
    ["experts", `${numLocalExperts} a layer, ${numExpertsPerTok} for a token`],
    [
      "hidden size",
      `${config.hiddenSize}, in experts ${config.intermediateSize}`,
    ],
    [
      "heads",
      `${numAttentionHeads} of ${config.headDim}, ${numKeyValueHeads} for keys and values`,
    ],
    [
      "vocabulary",
      `${config.vocabSize}${
        config.tieWordEmbeddings ? ", output tied to the embedding" : ""
      }`,
    ],
    [
      "context",
      `${config.maxPositionEmbeddings} tokens${
        slidingWindow === null ? "" : `, each sees ${slidingWindow}`
      }`,
    ],
    ["rope theta", String(config.ropeTheta)],
  ];
}

function weightRows(model: ModelDescription): Row[] {
  const { parameters: { total, active, experts }, weights } = model;
  const share = (100 * experts / total).toFixed(1);
  return [
    [
      "parameters",
      `${formatCount(total)}, ${formatCount(active)} active for a token`,
    ],
    ["in experts", `${formatCount(experts)}, ${share} %`],
    ...partRows("experts", weights.experts),
    ...partRows("attention", weights.attn),
    ["embedding", model.embeddingType],
  ];
}

/** How the weights of a part are; what their groups are has its own line. */
function partRows(name: string, weights: WeightsDescription): Row[] {
  const { type, bits, storedBits, groupSize, scaleGroupSize, axis } = weights;
  if (type !== "HQQ") return [[name, type]];
  const from = weights.packing === null
    ? `quantized on loading from ${storedBits} bits`
    : `${weights.packing} packing`;
  const scales = scaleGroupSize === null
    ? "scales are floats"
    : `scales in groups of ${scaleGroupSize}`;
  return [
    [
      name,
      `${bits} bits (${weights.bitsPerWeight.toFixed(2)} with scales), ${from}`,
    ],
    ["", `groups of ${groupSize} along axis ${axis}, ${scales}`],
  ];
}

function gpuRows({ config, byteLengths }: ModelDescription): Row[] {
  const { trunk, kvCache, slots, contextLength } = byteLengths;
  const { numLocalExperts, numExpertsPerTok } = config;
  // With fewer a layer cannot run.
  const all = slots.map((_, i) => i + 1).filter((n) => n >= numExpertsPerTok);
  const counts = all.length <= MAX_SLOT_LINES
    ? all
    : all.filter((n) =>
      n === numLocalExperts || Number.isInteger(Math.log2(n))
    );
  const width = Math.max(
    ...counts.map((n) => formatByteLength(slots[n - 1]!).length),
  );
  return [
    ["trunk", formatByteLength(trunk)],
    ["KV cache", `${formatByteLength(kvCache)} for ${contextLength} tokens`],
    ["an expert", formatByteLength(byteLengths.expert)],
    ["experts of a layer", formatByteLength(byteLengths.layerExperts)],
    ["all experts", formatByteLength(byteLengths.experts)],
    ...counts.map((count): Row => {
      const byteLength = slots[count - 1]!;
      const sum = formatByteLength(trunk + kvCache + byteLength);
      return [
        count === counts[0]
          ? `${counted(count, "slot")} a layer`
          : `${count} slots`,
        `${formatByteLength(byteLength).padStart(width)}${
          dim(`, ${sum} with trunk and KV cache`)
        }`,
      ];
    }),
  ];
}

function textRows({ tokenizer, defaults }: ModelDescription): Row[] {
  const token = ({ id, text }: { id: number; text: string }) =>
    `${harmlessLine(text)} (${id})`;
  const wishes = Object.entries(defaults)
    .filter(([name]) => name !== "eosIds")
    .map(([name, value]) => `${words(name)} ${value}`);
  return [
    ...tokenizer === null ? [["tokenizer", "none"] as const] : [
      ["tokenizer", `${tokenizer.vocabSize} tokens`],
      [
        "starts with",
        tokenizer.start === null ? "nothing" : token(tokenizer.start),
      ],
      ["ends with", tokenizer.ends.map(token).join(", ") || "nothing"],
    ] as const,
    [
      "sampling",
      wishes.length === 0 ? "the model says nothing" : wishes.join(", "),
    ],
  ];
}

/** `topP` as `top-p`, the flag. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function templateLines({ chatTemplate }: ModelDescription): string[] {
  if (chatTemplate === null) return group("Chat template", [["none", ""]]);
  const lines = chatTemplate.replace(/\n+$/, "").split("\n");
  const shown = lines.slice(0, TEMPLATE_LINES).map(harmlessLine).map((line) =>
    line.length > TEMPLATE_WIDTH ? `${line.slice(0, TEMPLATE_WIDTH)}…` : line
  );
  const isAll = lines.length <= TEMPLATE_LINES &&
    shown.every((line) => !line.endsWith("…"));
  return [
    "",
    bold("Chat template"),
    ...shown.map((line) => `  ${line}`),
    ...isAll
      ? []
      : [dim(`  (${chatTemplate.length} characters; --template prints them)`)],
  ];
}

function sourceRows({ source }: ModelDescription): Row[] {
  if (source === null) return [];
  const { owner, name, revision } = source;
  return [
    ["model", `${source.endpoint}/${owner}/${name}`],
    ["revision", revision],
    ["commit", source.commit ?? "the hub did not say"],
    ["pulled", source.pulledAt],
  ].map(([name, value]) => [name!, harmlessLine(value!)]);
}

function fileRows({ files }: ModelDescription, isVerbose: boolean): Row[] {
  const total = files.reduce((sum, file) => sum + (file.byteLength ?? 0), 0);
  const isBad = (file: typeof files[number]) => !isOfRightLength(file);
  const isWeights = ({ path }: typeof files[number]) =>
    path.endsWith(".safetensors");
  const weights = files.filter((file) => isWeights(file) && !isBad(file));
  const isFolded = !isVerbose && weights.length > 4;
  const single = files.filter((file) => !isFolded || !weights.includes(file));
  const rows = [
    ...isFolded
      ? [[`${weights.length} *.safetensors`, sizeOf(weights)] as const]
      : [],
    ...single.map((file): Row => [
      harmlessLine(file.path),
      file.byteLength === null
        ? "missing"
        : formatByteLength(file.byteLength) + (isBad(file)
          ? `, wanted ${formatByteLength(file.wantedByteLength!)}`
          : ""),
    ]),
    ["all", formatByteLength(total)] as const,
  ];
  return rows;
}

function sizeOf(files: readonly { byteLength: number | null }[]): string {
  const total = files.reduce((sum, file) => sum + (file.byteLength ?? 0), 0);
  return formatByteLength(total);
}

/** A heading and aligned rows; nothing if there are none. */
function group(heading: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(NAME_WIDTH, ...rows.map(([name]) => name.length));
  return [
    "",
    bold(heading),
    ...rows.map(([name, value]) =>
      `  ${name.padEnd(width)}  ${value}`.trimEnd()
    ),
  ];
}
