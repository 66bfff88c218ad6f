/** What a file with the state of an engine says: names, shapes, ids. No bytes. */

import { showJson } from "../io/show_json.ts";
import type { SafetensorsHeader } from "../io/safetensors.ts";
import type { TensorSpec } from "../io/tensor_spec.ts";
import { KV_PARTS, type KvPart } from "../model/kv_cache.ts";
import type { ChatTurn } from "./chat_history.ts";

/** Says that a safetensors file is the state of an engine. */
const FORMAT = "moeno-state";

/** Raised when older programs could not read it. */
const VERSION = "1";

/** What a state is, without keys and values. */
export interface StateHeader {
  /** The name of the model, for people. */
  readonly model: string;
  /** The ids whose keys and values are there. */
  readonly ids: readonly number[];
  /** The turns of a conversation that were made of such ids. */
  readonly turns: readonly ChatTurn[];
  /** SHA-256 of the logits of one more token, in hexadecimal. */
  readonly check: string;
}

/** What keys and values a model has. */
export interface StateShape {
  /** How many layers there are. */
  readonly layerCount: number;
  /** Numbers of a position in one layer and part. */
  readonly width: number;
  /** Positions that there is room for. */
  readonly contextLength: number;
  /** How many tokens there are. */
  readonly vocabSize: number;
}

/** A tensor of the file: the keys or the values of a layer. */
export interface StateTensor extends TensorSpec {
  /** The layer. */
  readonly layer: number;
  /** Keys or values. */
  readonly part: KvPart;
}

/**
 * Lists the tensors of a state: F32 (positions, width) each.
 *
 * @param positionCount How many positions are kept.
 * @param shape What the model has.
 * @returns The tensors, in the order of the file.
 */
export function stateTensors(
  positionCount: number,
  { layerCount, width }: Pick<StateShape, "layerCount" | "width">,
): StateTensor[] {
  return Array.from(
    { length: layerCount },
    (_, layer) =>
      KV_PARTS.map((part): StateTensor => ({
        name: `layers.${layer}.${part}`,
        dtype: "F32",
        shape: [positionCount, width],
        layer,
        part,
      })),
  ).flat();
}

/**
 * Writes what the file says of itself.
 *
 * @param header What the state is.
 * @returns The metadata of a safetensors file.
 */
export function stateMetadata(
  { model, ids, turns, check }: StateHeader,
): Record<string, string> {
  return {
    format: FORMAT,
    version: VERSION,
    model,
    ids: JSON.stringify(ids),
    turns: JSON.stringify(turns),
    check,
  };
}

/**
 * Reads what a file says of itself, and checks that it fits a model.
 *
 * @param header The header of a safetensors file.
 * @param shape What the model has.
 * @param path What to call the file.
 * @returns What the state is.
 * @throws {SyntaxError} If the file holds no state.
 * @throws {RangeError} If it does not fit the model.
 */
export function parseState(
  { metadata, tensors }: Pick<SafetensorsHeader, "metadata" | "tensors">,
  shape: StateShape,
  path: string,
): StateHeader {
  if (metadata.get("format") !== FORMAT) {
    throw new SyntaxError(
      `Cannot load state from ${path}: it holds none, wanted a file that saveState() wrote`,
    );
  }
  const version = metadata.get("version");
  if (version !== VERSION) {
    throw new SyntaxError(
      `Cannot load state from ${path}: its version is ${
        showJson(version)
      }, wanted ${VERSION}`,
    );
  }
  const ids = parseIds(metadata.get("ids"), shape.vocabSize);
  const turns = parseTurns(metadata.get("turns"), shape.vocabSize);
  const check = metadata.get("check");
  if (ids === null || turns === null || check === undefined) {
    throw new SyntaxError(
      `Cannot load state from ${path}: its ids are not of this vocabulary`,
    );
  }
  if (ids.length >= shape.contextLength) {
    throw new RangeError(
      `Cannot load state from ${path}: it has ${ids.length} tokens, wanted less than the context of ${shape.contextLength}`,
    );
  }
  const wanted = stateTensors(ids.length, shape);
  const fits = tensors.size === wanted.length && wanted.every((spec) => {
    const found = tensors.get(spec.name);
    return found?.dtype === spec.dtype &&
      String(found.shape) === String(spec.shape);
  });
  if (!fits) {
    throw new RangeError(
      `Cannot load state from ${path}: it is that of a model of another shape`,
    );
  }
  return { model: metadata.get("model") ?? "", ids, turns, check };
}

/** At least one id of the vocabulary; `null` if it is anything else. */
function parseIds(text: string | undefined, vocabSize: number) {
  const ids = parseJson(text);
  return areIds(ids, vocabSize) && ids.length > 0 ? ids : null;
}

function parseTurns(text: string | undefined, vocabSize: number) {
  const turns = parseJson(text);
  const isTurn = (value: unknown): value is ChatTurn => {
    if (typeof value !== "object" || value === null) return false;
    const { prompt, promptIds, answer, answerIds } = value as Partial<ChatTurn>;
    return typeof prompt === "string" && typeof answer === "string" &&
      areIds(promptIds, vocabSize) && areIds(answerIds, vocabSize);
  };
  return Array.isArray(turns) && turns.every(isTurn) ? turns : null;
}

function areIds(value: unknown, vocabSize: number): value is number[] {
  return Array.isArray(value) &&
    value.every((id) => Number.isInteger(id) && id >= 0 && id < vocabSize);
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
