import type { ModelSource } from "../../engine/model_source.ts";
import {
  textWindows,
  WINDOW_LENGTH,
  type WindowOptions,
} from "../../engine/perplexity_windows.ts";
import { checkWindow } from "../../engine/check_window.ts";
import { counted } from "../../io/counted.ts";
import type { Flag, FlagValue } from "../args.ts";
import { SIZE } from "../flags.ts";
import { UsageError } from "../usage_error.ts";

/** The values of the flags. */
type Values = Readonly<Record<string, FlagValue>>;

/** Where the model's start token goes. */
const BOS_PLACES = ["none", "text", "windows"];

/** How a text is cut into windows, and run. */
export const TEXT_FLAGS: readonly Flag[] = [
  {
    name: "window",
    option: "windowLength",
    value: "<n>",
    range: { integer: true, min: 2 },
    help: "How many tokens are run together, from a clean start",
    default: `${WINDOW_LENGTH}, or what the model was made for if that is less`,
  },
  {
    name: "stride",
    option: "stride",
    value: "<n>",
    range: SIZE,
    help: "Where the next window begins; below --window they overlap, and " +
      "after the first only the last n tokens of each count",
    default: "the window: no overlap",
  },
  {
    name: "windows",
    option: "windowCount",
    value: "<n>",
    range: SIZE,
    help: "Run the first n windows only",
    default: "all that the text fills",
  },
  {
    name: "bos",
    option: "bos",
    value: "<where>",
    choices: BOS_PLACES,
    help: "Put the model's start token nowhere, before the text, or first " +
      "in each window",
    default: "none",
  },
  {
    name: "decode",
    option: "decode",
    help: "Run tokens one by one, through the kernels that generate text; " +
      "only there --activations counts",
  },
];

/** More help of both commands. */
export const TEXT_HELP =
  "The text is cut into windows that are run each by itself; a last, shorter one " +
  "is left out.\nThe first token of a window has nothing before it and does not " +
  "count. Published numbers differ in\nthis: GPTQ's recipe is --window 2048 " +
  "--bos text; HQQ's --window 1024 --stride 512 --bos text, with a\nfirst window " +
  "of 512; both run the lines of WikiText-2's test set, joined by two line breaks. " +
  "llama.cpp\nputs a start token into each window and counts its second half. " +
  "Compare numbers of one way only.";

/** A text, ready to be run. */
export interface PreparedText {
  /** Its tokens. */
  readonly ids: readonly number[];
  /** How it is cut, and how long tokens are. */
  readonly options: WindowOptions & {
    readonly windowLength: number;
    readonly byteLengthOf: (id: number) => number;
  };
  /** The same for people and programs. */
  readonly description: TextDescription;
}

/** How a text is cut. */
export interface TextDescription {
  /** Tokens of a window. */
  readonly window: number;
  /** Tokens from one window to the next. */
  readonly stride: number;
  /** How many windows there are. */
  readonly windowCount: number;
  /** Where the start token is. */
  readonly bos: string;
  /** Whether tokens are run one by one. */
  readonly decode: boolean;
}

/**
 * Refuses flags that do not go together.
 *
 * @param values The values of the flags.
 * @throws {UsageError} If there are such.
 */
export function checkTextFlags(values: Values): void {
  if (values.decode && values.chunkSize !== undefined) {
    throw new UsageError("--decode does not go with --chunk-size: it is 1");
  }
  if (values.activations !== undefined && !values.decode) {
    throw new UsageError(
      "--activations counts only where tokens run one by one, wanted --decode, too",
    );
  }
}

/**
 * Makes tokens of a text, and checks that they fill a window.
 *
 * @param text The text.
 * @param source The model.
 * @param values The values of the flags.
 * @returns The text.
 * @throws {RangeError} If it is too short, or a window too long for the model.
 * @throws {Error} If the model has no tokenizer, or no start token if it is asked
 * for.
 */
export function prepareText(
  text: string,
  { name, config, text: { tokenizer } }: Pick<
    ModelSource,
    "name" | "config" | "text"
  >,
  values: Values,
): PreparedText {
  if (tokenizer === null) {
    throw new Error(
      `Cannot make tokens of the text: ${name} has no tokenizer.json, wanted one`,
    );
  }
  const { bos = "none" } = values;
  const { bosId } = tokenizer;
  if (bos !== "none" && bosId === undefined) {
    throw new Error(
      `Cannot put a start token before the ${bos}: the tokenizer of ${name} has none, wanted --bos none`,
    );
  }
  const {
    windowLength = Math.min(WINDOW_LENGTH, config.maxPositionEmbeddings),
    stride,
    windowCount,
  } = values as WindowOptions;
  checkWindow(config, windowLength);
  const prefixId = bos === "windows" ? bosId : undefined;
  const ids = tokenizer.encode(text, { addSpecialTokens: false });
  if (bos === "text") ids.unshift(bosId!);
  const options = { windowLength, stride, windowCount, prefixId };
  const { length } = textWindows(ids.length, options);
  return {
    ids,
    options: {
      ...options,
      byteLengthOf: (id) => tokenizer.bytesOf(id).length,
    },
    description: {
      window: windowLength,
      stride: stride ?? windowLength - (prefixId === undefined ? 0 : 1),
      windowCount: length,
      bos: String(bos),
      decode: values.decode === true,
    },
  };
}

/**
 * How a text is cut, in a line.
 *
 * @param description How it is cut.
 * @returns Such as `108 windows of 512 tokens, a stride of 256`.
 */
export function describeText(
  { window, stride, windowCount, bos, decode }: TextDescription,
): string {
  const length = window - (bos === "windows" ? 1 : 0);
  return [
    `${counted(windowCount, "window")} of ${window} tokens`,
    ...stride < length ? [`a stride of ${stride}`] : [],
    ...bos === "text" ? ["a start token before the text"] : [],
    ...bos === "windows" ? ["a start token in each"] : [],
    ...decode ? ["one by one"] : [],
  ].join(", ");
}

/**
 * Says what to call a text.
 *
 * @param path Its file; `-` for stdin.
 * @returns The file's name without its folders, or `stdin`.
 */
export function nameOf(path: string): string {
  return path === "-" ? "stdin" : path.split(/[/\\]/).at(-1)!;
}
