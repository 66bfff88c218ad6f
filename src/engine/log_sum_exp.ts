/**
 * The logarithm of the sum of exponentials, so that `row[id] - logSumExp(row)` is
 * the log-probability of an id. The largest is taken off first: no exponential
 * overflows.
 *
 * @param row Logits (vocabSize).
 * @returns ln(sum of e^logit).
 */
export function logSumExp(row: Float32Array): number {
  let max = -Infinity;
  for (const logit of row) if (logit > max) max = logit;
  let sum = 0;
  for (const logit of row) sum += Math.exp(logit - max);
  return max + Math.log(sum);
}
