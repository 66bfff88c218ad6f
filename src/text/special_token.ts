/**
 * Special tokens, as `tokenizer_config.json` names them.
 *
 * @module
 */

/**
 * Reads the name of a special token.
 *
 * @param config The content of `tokenizer_config.json`.
 * @param key Which token, as in `"bos_token"`.
 * @returns Its text, or `undefined` if the file names none.
 */
export function specialToken(
  config: unknown,
  key: string,
): string | undefined {
  if (!isRecord(config)) return undefined;
  const value = config[key];
  if (typeof value === "string") return value;
  // As written by transformers when the token has flags such as `lstrip`.
  return isRecord(value) && typeof value.content === "string"
    ? value.content
    : undefined;
}

/**
 * Tells whether a JSON value is an object.
 *
 * @param value Any value.
 * @returns Whether it is, and neither an array nor `null`.
 */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
