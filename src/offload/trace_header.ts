import { showJson } from "../io/show_json.ts";
import {
  ALL_EXPERTS_LIMIT,
  EXPERT_LIMIT,
  LAYER_LIMIT,
} from "./shape_limits.ts";

/** What a routing trace is of. */
export interface TraceHeader {
  /** The model, for people. */
  model: string;
  /** Layers of the model. */
  layerCount: number;
  /** Experts of a layer. */
  expertCount: number;
  /** Experts of a token in a layer. */
  topK: number;
  /** Experts that are guessed for a token in a layer; 0 for none. */
  guessCount: number;
  /**
   * How many layers before its own a layer is guessed, besides one: each at
   * least 2, in ascending order.
   *
   * @default {[]} only one layer before
   */
  farDepths?: readonly number[];
}

/** The most experts of a token; what is analyzed takes time by it, too. */
const MAX_TOP_K = 256;

const NAME_LIMIT = 1024;

/** Where things are in the bytes of a token. */
export interface TraceLayout {
  /** Bytes of an id. */
  idByteLength: 1 | 2;
  /** Bytes of a layer's experts, guess and weights. */
  layerByteLength: number;
  /** Bytes of a token. */
  tokenByteLength: number;
}

/**
 * Where things are in the bytes of a token.
 *
 * @param header What the trace is of.
 * @returns The layout.
 */
export function traceLayout(header: TraceHeader): TraceLayout {
  const { layerCount, expertCount, topK, guessCount } = header;
  const idByteLength = expertCount <= 255 ? 1 : 2;
  const guessesCount = guessCount * (1 + (header.farDepths?.length ?? 0));
  const layerByteLength = (topK + guessesCount) * idByteLength + topK * 2;
  const tokenByteLength = 1 + layerCount * layerByteLength;
  return { idByteLength, layerByteLength, tokenByteLength };
}

/**
 * Checks what a trace is of.
 *
 * @param header Anything that has the fields.
 * @returns The fields alone.
 * @throws {RangeError} If they are of no model.
 */
export function checkTraceHeader(header: TraceHeader): TraceHeader {
  const { model, layerCount, expertCount, topK, guessCount } = header;
  const { farDepths = [] } = header;
  const isCount = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  if (
    typeof model === "string" && model.length <= NAME_LIMIT &&
    isCount(layerCount, 1, LAYER_LIMIT) &&
    isCount(expertCount, 1, EXPERT_LIMIT) &&
    layerCount * expertCount <= ALL_EXPERTS_LIMIT &&
    isCount(topK, 1, Math.min(expertCount, MAX_TOP_K)) &&
    isCount(guessCount, 0, expertCount) && Array.isArray(farDepths) &&
    farDepths.every((depth, i) =>
      isCount(depth, (farDepths[i - 1] ?? 1) + 1, layerCount - 1)
    )
  ) {
    const counts = { model, layerCount, expertCount, topK, guessCount };
    return farDepths.length === 0 ? counts : { ...counts, farDepths };
  }
  throw new RangeError(
    `Cannot use a trace header: received ${
      showJson({
        ...{ layerCount, expertCount, topK, guessCount, farDepths, model },
      })
    }, wanted the name and the counts of a model`,
  );
}
