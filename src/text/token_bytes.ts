/**
 * From tokens to the bytes that they stand for.
 *
 * @module
 */
import { isRecord } from "./special_token.ts";

/** How the tokens of a vocabulary become text. */
export interface TokenBytes {
  /** Makes the UTF-8 bytes of a token; a byte token has one, a word its own. */
  readonly bytesOf: (token: string) => Uint8Array<ArrayBuffer>;
  /** How many spaces the start of a text loses, at most. */
  readonly strippedSpaceCount: number;
}

/**
 * Reads the `decoder` of a `tokenizer.json`: a step, or a sequence of the steps
 * Replace, ByteFallback, Fuse and Strip, as all tokenizers made from
 * sentencepiece models have. Other decoders are refused.
 *
 * It gives bytes, because text may begin and end within a token, but never
 * within a byte.
 *
 * @param decoder The part of the file.
 * @returns What it does to a token, and to the start of a text.
 * @throws {TypeError} If it has another step.
 */
export function parseDecoder(decoder: unknown): TokenBytes {
  const steps = isRecord(decoder) && Array.isArray(decoder.decoders)
    ? decoder.decoders
    : [decoder];
  const replacements: [string, string][] = [];
  let hasByteFallback = false;
  let isFused = false;
  let strippedSpaceCount = 0;
  for (const step of steps) {
    const { type, pattern, content, start, stop } = isRecord(step) ? step : {};
    const known = type === "ByteFallback" || type === "Fuse" ||
      (type === "Replace" && isRecord(pattern) &&
        typeof pattern.String === "string" && typeof content === "string") ||
      (type === "Strip" && isFused && content === " " &&
        Number.isInteger(start) && stop === 0);
    if (!known) {
      throw new TypeError(
        `Cannot read tokenizer.json: its decoder has a step ${
          shownType(type)
        }, wanted Replace of a text, ByteFallback, Fuse, or Strip of leading spaces`,
      );
    }
    if (type === "Replace") {
      const { String: from } = pattern as { String: string };
      replacements.push([from, content as string]);
    }
    if (type === "ByteFallback") hasByteFallback = true;
    if (type === "Fuse") isFused = true;
    if (type === "Strip") strippedSpaceCount = start as number;
  }

  const encoder = new TextEncoder();
  const bytesOf = (token: string): Uint8Array<ArrayBuffer> => {
    if (hasByteFallback && /^<0x[0-9A-Fa-f]{2}>$/.test(token)) {
      return Uint8Array.of(Number.parseInt(token.slice(3, 5), 16));
    }
    let text = token;
    for (const [from, to] of replacements) text = text.replaceAll(from, to);
    return encoder.encode(text);
  };
  return { bytesOf, strippedSpaceCount };
}

function shownType(type: unknown): string {
  if (typeof type !== "string") return "of no type";
  return "of type " +
    JSON.stringify(type.length > 40 ? `${type.slice(0, 40)}…` : type);
}
