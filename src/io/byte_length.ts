/** Bytes of a unit; what has an i in it, or no B, counts in 1024s. */
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
  t: 2 ** 40,
  tib: 2 ** 40,
  tb: 1e12,
};

const SHOWN_UNITS = ["KiB", "MiB", "GiB", "TiB"];

/**
 * Reads an amount of memory: `12GiB`, `12G` (the same), `12GB` (12 thousand
 * millions), `800M`, `1.5g`, `1048576` (bytes). Case does not matter.
 *
 * @param text What the user wrote.
 * @returns Bytes, rounded down.
 * @throws {SyntaxError} If it is no amount of memory.
 */
export function parseByteLength(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match?.[2]?.toLowerCase() ?? "";
  if (match !== null && Object.hasOwn(UNITS, unit)) {
    const byteLength = Math.floor(Number(match[1]) * UNITS[unit]!);
    if (Number.isSafeInteger(byteLength) && byteLength > 0) return byteLength;
  }
  throw new SyntaxError(
    `Cannot read an amount of memory: received "${text}", wanted one like 12GiB, 12G, 800M or 12GB`,
  );
}

/**
 * Writes an amount of memory for people.
 *
 * @param byteLength Bytes.
 * @returns Such as `63.3 MiB` or `17 bytes`.
 */
export function formatByteLength(byteLength: number): string {
  if (byteLength < 1024) return `${byteLength} bytes`;
  let value = byteLength / 1024;
  let unit = 0;
  // 1023.95 would be shown as 1024.0.
  while (value >= 1023.95 && unit < SHOWN_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${SHOWN_UNITS[unit]}`;
}
