import { jsonReason } from "../io/show_json.ts";
import {
  checkTraceHeader,
  type TraceHeader,
  traceLayout,
} from "./trace_header.ts";

/**
 * How a token ran: alone, which is `decode` even for a prompt of one token, or
 * with others of the prompt: as the first of a `chunk`, or as one that follows
 * in it (`prefill`).
 */
export type TokenKind = "decode" | "prefill" | "chunk";

/**
 * The experts that each layer chose for each token.
 *
 * As bytes, all numbers little-endian:
 *
 * ```text
 * "moenort1"                    8 bytes; "moenort2" if there are farDepths
 * byte length of the header     u32
 * header                        JSON in UTF-8: model, layerCount, expertCount,
 *                               topK, guessCount, farDepths
 * for each token:
 *   kind                        u8: 0 decode, 1 prefill, 2 the first of a chunk
 *   for each layer:
 *     experts, by rank          topK ids
 *     guess, likeliest first    guessCount ids: the guess for this layer, made
 *                               in the layer before it; all bits set for none
 *     far guesses               the same for each of farDepths
 *     weights                   topK u16: weight * 65535, rounded
 * ```
 *
 * An id is a u8 if the layer has at most 255 experts, else a u16. A token of
 * Mixtral with three guesses takes 289 bytes. Weights are fixed-point since
 * they lie between 0 and 1.
 */
export interface RoutingTrace extends TraceHeader {
  /** How many tokens there are. */
  tokenCount: number;
  /** 0 decode, 1 prefill, 2 prefill that begins a chunk: (tokenCount) */
  kinds: Uint8Array;
  /** Experts by rank: (tokenCount, layerCount, topK) */
  experts: Uint16Array;
  /** Their weights: (tokenCount, layerCount, topK) */
  weights: Float32Array;
  /** Guesses, {@linkcode NO_EXPERT} for none: (tokenCount, layerCount, guessCount) */
  guesses: Uint16Array;
  /** The same made farther before: (tokenCount, layerCount, farDepths, guessCount) */
  farGuesses?: Uint16Array;
}

/** Stands for an expert that was not guessed. */
export const NO_EXPERT = 0xffff;

/** The first bytes of a trace. */
export const TRACE_MAGIC = "moenort1";

/** Those of a trace that has `farDepths`, which others could not read. */
export const FAR_TRACE_MAGIC = "moenort2";

/** What weights are multiplied by. */
export const WEIGHT_UNIT = 0xffff;

/** The kinds of tokens by their number in a trace. */
export const TOKEN_KINDS: readonly TokenKind[] = [
  "decode",
  "prefill",
  "chunk",
];

const HEADER_LIMIT = 2 ** 16;

/**
 * The experts of a token in a layer.
 *
 * @param trace The trace.
 * @param at The token and the layer.
 * @returns The experts by rank.
 */
export function expertsAt(
  trace: RoutingTrace,
  at: { token: number; layer: number },
): number[] {
  const { layerCount, topK } = trace;
  const offset = (at.token * layerCount + at.layer) * topK;
  return Array.from(trace.experts.subarray(offset, offset + topK));
}

/**
 * What was guessed about a token in a layer.
 *
 * @param trace The trace.
 * @param at The token, the layer, and how many layers before it was guessed: 1 or
 * one of `farDepths`.
 * @returns The experts, likeliest first; none if nobody guessed.
 */
export function guessAt(
  trace: RoutingTrace,
  at: { token: number; layer: number; depth: number },
): number[] {
  const { layerCount, guessCount, farDepths = [] } = trace;
  const place = at.token * layerCount + at.layer;
  const index = farDepths.indexOf(at.depth);
  const all = at.depth === 1 ? trace.guesses : trace.farGuesses;
  if (all === undefined || (index < 0 && at.depth !== 1)) return [];
  const offset = at.depth === 1 ? place : place * farDepths.length + index;
  return Array.from(
    all.subarray(offset * guessCount, (offset + 1) * guessCount),
  ).filter((id) => id !== NO_EXPERT);
}

/**
 * Reads a trace.
 *
 * @param bytes The bytes of a file, trusted in nothing.
 * @returns The trace.
 * @throws {SyntaxError} If they are no trace, or one cut short.
 */
export function parseTrace(bytes: Uint8Array): RoutingTrace {
  const { header, byteLength } = parseHeader(bytes);
  const layout = traceLayout(header);
  const rest = bytes.subarray(byteLength);
  const tokenCount = Math.floor(rest.length / layout.tokenByteLength);
  const left = rest.length - tokenCount * layout.tokenByteLength;
  if (left > 0) {
    throw malformed(
      `${left} bytes are left after ${tokenCount} tokens, wanted ${layout.tokenByteLength} for the next`,
    );
  }
  const { layerCount, topK, guessCount, farDepths } = header;
  const places = tokenCount * layerCount;
  const trace: RoutingTrace = {
    ...header,
    tokenCount,
    kinds: new Uint8Array(tokenCount),
    experts: new Uint16Array(places * topK),
    weights: new Float32Array(places * topK),
    guesses: new Uint16Array(places * guessCount),
    ...farDepths && {
      farGuesses: new Uint16Array(places * farDepths.length * guessCount),
    },
  };
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
  for (let token = 0; token < tokenCount; token++) {
    const offset = token * layout.tokenByteLength;
    const kind = view.getUint8(offset);
    if (kind >= TOKEN_KINDS.length) {
      throw malformed(`token ${token} is of kind ${kind}, wanted 0, 1 or 2`);
    }
    trace.kinds[token] = kind;
    for (let layer = 0; layer < layerCount; layer++) {
      readLayer(trace, {
        view,
        token,
        layer,
        offset: offset + 1 + layer * layout.layerByteLength,
      });
    }
  }
  return trace;
}

function parseHeader(
  bytes: Uint8Array,
): { header: TraceHeader; byteLength: number } {
  const begin = TRACE_MAGIC.length + 4;
  if (bytes.length < begin) {
    throw malformed(`it has ${bytes.length} bytes, wanted at least ${begin}`);
  }
  const magic = new TextDecoder().decode(bytes.subarray(0, TRACE_MAGIC.length));
  if (magic !== TRACE_MAGIC && magic !== FAR_TRACE_MAGIC) {
    throw malformed(`it does not begin with "${TRACE_MAGIC}"`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(TRACE_MAGIC.length, true);
  const most = Math.min(bytes.length - begin, HEADER_LIMIT);
  if (length > most) {
    throw malformed(`its header has ${length} bytes, wanted at most ${most}`);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true })
      .decode(bytes.subarray(begin, begin + length));
    const { farDepths, ...counts } = Object(JSON.parse(text));
    const isFar = magic === FAR_TRACE_MAGIC;
    const header = checkTraceHeader(isFar ? { ...counts, farDepths } : counts);
    return { header, byteLength: begin + length };
  } catch (error) {
    throw malformed(`its header is no trace's: ${jsonReason(error)}`);
  }
}

/** Reads and checks the record of a token in a layer. */
function readLayer(
  trace: RoutingTrace,
  at: { view: DataView; token: number; layer: number; offset: number },
): void {
  const { topK, guessCount, expertCount, farDepths = [] } = trace;
  const { view, token, layer } = at;
  const { idByteLength } = traceLayout(trace);
  const place = token * trace.layerCount + layer;
  const idAt = (i: number) =>
    idByteLength === 1
      ? view.getUint8(at.offset + i)
      : view.getUint16(at.offset + 2 * i, true);
  const none = idByteLength === 1 ? 0xff : NO_EXPERT;
  const where = `token ${token}, layer ${layer}`;
  const guessesCount = guessCount * (1 + farDepths.length);
  const weightOffset = at.offset + (topK + guessesCount) * idByteLength;
  for (let rank = 0; rank < topK; rank++) {
    const id = idAt(rank);
    if (id >= expertCount) {
      throw malformed(`${where} names expert ${id} of ${expertCount}`);
    }
    const before = trace.experts.subarray(place * topK, place * topK + rank);
    if (before.includes(id)) {
      throw malformed(`${where} names expert ${id} twice`);
    }
    trace.experts[place * topK + rank] = id;
    trace.weights[place * topK + rank] =
      view.getUint16(weightOffset + 2 * rank, true) / WEIGHT_UNIT;
  }
  for (let i = 0; i < guessesCount; i++) {
    const id = idAt(topK + i);
    if (id >= expertCount && id !== none) {
      throw malformed(`${where} guesses expert ${id} of ${expertCount}`);
    }
    const farCount = guessesCount - guessCount;
    const [target, index] = i < guessCount
      ? [trace.guesses, place * guessCount + i]
      : [trace.farGuesses!, place * farCount + i - guessCount];
    target[index] = id === none ? NO_EXPERT : id;
  }
}

function malformed(state: string): SyntaxError {
  return new SyntaxError(`Cannot read a routing trace: ${state}`);
}
