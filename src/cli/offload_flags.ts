import { CHOICES } from "../engine/load_options.ts";
import { parseByteLength } from "../io/byte_length.ts";
import type { Flag } from "./args.ts";
import { parseSlotsOrFile } from "./slots_file.ts";

const COUNT = { integer: true, min: 1 };
/** The value of a flag that is an amount of memory. */
export const BYTE_LENGTH = {
  value: "<size>",
  parse: parseByteLength,
  wanted: "an amount of memory like 12GiB, 12G (the same), 12GB or 800M",
};

/** Where experts are: the engine's options of `load()`. */
export const OFFLOAD_FLAGS: readonly Flag[] = [
  {
    name: "slots",
    option: "slots",
    value: "<slots>",
    parse: parseSlotsOrFile,
    wanted: "auto, a number such as 5, one for each layer such as 6,6,5,5, " +
      "or a file with these",
    help:
      "How many experts of each layer the GPU holds: 5, or 6,6,5,5 layer by " +
      "layer, or a file with these",
    default: "auto, what the VRAM holds",
    completes: "file",
  },
  {
    name: "offload-per-layer",
    option: "offloadPerLayer",
    value: "<n>",
    range: { integer: true, min: 0 },
    help: "How many experts of each layer it does not hold: --slots, counted " +
      "from the other end",
  },
  {
    name: "buffer-size",
    option: "bufferSize",
    value: "<n>",
    range: COUNT,
    help: "Staging slots, shared by all layers",
    default: "4",
  },
  {
    name: "policy",
    option: "policy",
    value: "<policy>",
    choices: CHOICES.policy,
    help: "Which expert loses its slot",
    default: "lru",
  },
  {
    name: "store",
    option: "store",
    value: "<store>",
    choices: CHOICES.store,
    help: "Where experts are when they are not on the GPU",
    default: "auto, the fastest that holds them",
  },
  {
    name: "prefetch",
    option: "prefetch",
    value: "<mode>",
    choices: CHOICES.prefetch,
    help: "Load what the next layer will probably choose; auto as long as it " +
      "pays",
    default: "auto",
  },
  {
    name: "prefetch-experts",
    option: "prefetchExperts",
    value: "<n>",
    range: COUNT,
    help: "How many experts to load ahead",
    default: "the model's experts per token",
  },
  {
    name: "residency",
    option: "residency",
    value: "<who>",
    choices: CHOICES.residency,
    help: "Who decides, token by token, which experts come and go; the GPU " +
      "needs them all in store pinned",
    default: "auto, the GPU where it can",
  },
  {
    name: "vram",
    option: "vramByteLength",
    ...BYTE_LENGTH,
    help: "How much memory of the GPU to plan for",
    default: "8GiB, or what the slots take",
  },
  {
    name: "ram",
    option: "ramByteLength",
    ...BYTE_LENGTH,
    help:
      "How much memory of the host experts may take; the rest stays on disk",
    default: "what they take",
  },
];

/** What to tell of where experts are, and which are chosen. */
export const OFFLOAD_REPORT_FLAGS: readonly Flag[] = [
  {
    name: "plan",
    option: "plan",
    help: "Show what goes where and why, then go on",
  },
  {
    name: "trace",
    option: "trace",
    value: "<path>",
    help: "Record which experts each token is routed to; takes time",
    completes: "file",
  },
  {
    name: "trace-ahead",
    option: "traceAhead",
    value: "<layers>",
    parse: parseDepths,
    wanted: "how many layers ahead, such as 1,2,10",
    help:
      "With --trace: how many layers ahead to guess experts; more than one " +
      "takes more time",
    default: "1",
  },
];

/** Numbers of layers, made ascending. */
function parseDepths(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  if (!parts.every((part) => /^[1-9]\d{0,4}$/.test(part))) {
    throw new SyntaxError("Cannot read numbers of layers");
  }
  return [...new Set(parts.map(Number))].sort((a, b) => a - b);
}
