// @ts-check

/**
 * @param {number} value
 * @returns {string} A count as people read it: `1,234,567`.
 */
export function formatCount(value) {
  return Math.round(value).toLocaleString("en-US");
}

/**
 * @param {number} value
 * @returns {string} A rate with three digits at most: `0`, `0.42`, `7.31`,
 *   `48.2`, `1,204`.
 */
export function formatRate(value) {
  const digits = value === 0 || value >= 100 ? 0 : value < 10 ? 2 : 1;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/**
 * @param {number} bytesPerSecond
 * @returns {{ value: string, unit: string }} `34.7` and `GB/s`, or `MB/s` where
 *   there are few.
 */
export function formatByteRate(bytesPerSecond) {
  const isLarge = bytesPerSecond >= 1e9;
  const value = formatRate(bytesPerSecond / (isLarge ? 1e9 : 1e6));
  return { value, unit: isLarge ? "GB/s" : "MB/s" };
}

/**
 * @param {number | null} share Between 0 and 1; `null` if there is none.
 * @returns {string} `83.1 %`
 */
export function formatShare(share) {
  if (share === null) return "–";
  return `${(100 * share).toFixed(share === 1 || share === 0 ? 0 : 1)} %`;
}

/**
 * @param {number} count
 * @param {string} noun In the singular.
 * @returns {string} `1 token`, `2 tokens`
 */
export function countOf(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
