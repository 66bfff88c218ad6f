import type { RequestRecord } from "../../server/request_record.ts";

/**
 * Says in a line how a request went.
 *
 * @param record What happened.
 * @returns Such as `POST /v1/completions 200, 1.2 s, 5 + 16 tokens, 31.4 tok/s`.
 */
export function requestLine(
  { method, path, status, totalMs, answer, error }: RequestRecord,
): string {
  const parts = [`${method} ${path} ${status}`, formatMs(totalMs)];
  if (answer !== undefined) {
    const { usage, timings } = answer.usage;
    const cached = usage.prompt_tokens_details.cached_tokens;
    const known = cached > 0 ? ` (${cached} cached)` : "";
    parts.push(
      `${usage.prompt_tokens}${known} + ${usage.completion_tokens} tokens`,
    );
    const rate = timings.predicted_per_second;
    if (rate !== null) parts.push(`${rate.toFixed(1)} tok/s`);
    if (answer.queuedMs >= 1000) {
      parts.push(`${formatMs(answer.queuedMs)} in the queue`);
    }
  }
  const line = parts.join(", ");
  return error === undefined ? line : `${line}: ${error}`;
}

/** What balancers and Prometheus ask for, every few seconds. */
const PROBED: readonly string[] = ["/health", "/metrics"];

/**
 * Whether a request is one of those that would fill a log, and went well.
 *
 * @param record What happened.
 * @returns Whether nobody wants to read of it.
 */
export function isProbe({ path, status }: RequestRecord): boolean {
  return PROBED.includes(path) && status === 200;
}

function formatMs(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
