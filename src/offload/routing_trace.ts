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
}

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
 * "moenort1"                    8 bytes
 * byte length of the header     u32
 * header                        JSON in UTF-8: model, layerCount, expertCount,
 *                               topK, guessCount
 * for each token:
 *   kind                        u8: 0 decode, 1 prefill, 2 the first of a chunk
 *   for each layer:
 *     experts, by rank          topK ids
 *     guess, likeliest first    guessCount ids: the guess for this layer, made
 *                               in the layer before it; all bits set for none
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
}

/** Stands for an expert that was not guessed. */
export const NO_EXPERT = 0xffff;

/** The first bytes of a trace. */
export const TRACE_MAGIC = "moenort1";

/** What weights are multiplied by. */
export const WEIGHT_UNIT = 0xffff;

/** The kinds of tokens by their number in a trace. */
export const TOKEN_KINDS: readonly TokenKind[] = [
  "decode",
  "prefill",
  "chunk",
];

const HEADER_LIMIT = 2 ** 16;
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
  const layerByteLength = (topK + guessCount) * idByteLength + topK * 2;
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
  const isCount = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most;
  if (
    typeof model === "string" && model.length <= NAME_LIMIT &&
    isCount(layerCount, 1, 0xffff) &&
    isCount(expertCount, 1, NO_EXPERT) && isCount(topK, 1, expertCount) &&
    isCount(guessCount, 0, expertCount)
  ) return { model, layerCount, expertCount, topK, guessCount };
  throw new RangeError(
    `Cannot use a trace header: received ${
      JSON.stringify({ model, layerCount, expertCount, topK, guessCount })
    }, wanted the name and the counts of a model`,
  );
}

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
  const { layerCount, topK, guessCount } = header;
  const places = tokenCount * layerCount;
  const trace: RoutingTrace = {
    ...header,
    tokenCount,
    kinds: new Uint8Array(tokenCount),
    experts: new Uint16Array(places * topK),
    weights: new Float32Array(places * topK),
    guesses: new Uint16Array(places * guessCount),
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
  if (magic !== TRACE_MAGIC) {
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
    const header = checkTraceHeader(Object(JSON.parse(text)));
    return { header, byteLength: begin + length };
  } catch (error) {
    throw malformed(`its header is no trace's: ${(error as Error).message}`);
  }
}

/** Reads and checks the record of a token in a layer. */
function readLayer(
  trace: RoutingTrace,
  at: { view: DataView; token: number; layer: number; offset: number },
): void {
  const { topK, guessCount, expertCount } = trace;
  const { view, token, layer } = at;
  const { idByteLength } = traceLayout(trace);
  const place = token * trace.layerCount + layer;
  const idAt = (i: number) =>
    idByteLength === 1
      ? view.getUint8(at.offset + i)
      : view.getUint16(at.offset + 2 * i, true);
  const none = idByteLength === 1 ? 0xff : NO_EXPERT;
  const where = `token ${token}, layer ${layer}`;
  const weightOffset = at.offset + (topK + guessCount) * idByteLength;
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
  for (let i = 0; i < guessCount; i++) {
    const id = idAt(topK + i);
    if (id >= expertCount && id !== none) {
      throw malformed(`${where} guesses expert ${id} of ${expertCount}`);
    }
    trace.guesses[place * guessCount + i] = id === none ? NO_EXPERT : id;
  }
}

function malformed(state: string): SyntaxError {
  return new SyntaxError(`Cannot read a routing trace: ${state}`);
}
