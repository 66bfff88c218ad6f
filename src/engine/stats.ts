import { counted } from "../io/counted.ts";
import {
  describeOffload,
  type OffloadReport,
  offloadReport,
} from "../offload/describe_stats.ts";
import type { GenerateResult } from "./generate.ts";

/**
 * A generation in one line.
 *
 * @example
 * ```ts ignore
 * // # 118 tokens: 41.2 tok/s; first token after 0.31 s;
 * // prompt 24 tokens (12 cached) at 310 tok/s; hit rate 0.61;
 * // 1204.3 MB/token; link 11.2 GB/s on average; prefetch recall 0.48/0.85/0.95
 * ```
 *
 * @param result The record.
 * @returns The line, without a line break.
 */
export function statsLine(result: GenerateResult): string {
  const { promptTokens, cachedTokens, timeToFirstTokenMs } = result;
  const { prefillTokensPerSecond, decodeTokensPerSecond } = result;
  const decode = decodeTokensPerSecond === null
    ? ""
    : `: ${decodeTokensPerSecond.toFixed(1)} tok/s`;
  const first = timeToFirstTokenMs === null
    ? ""
    : `; first token after ${(timeToFirstTokenMs / 1000).toFixed(2)} s`;
  const cached = cachedTokens > 0 ? ` (${cachedTokens} cached)` : "";
  const prefill = prefillTokensPerSecond === null
    ? ""
    : ` at ${prefillTokensPerSecond.toFixed(0)} tok/s`;
  return `# ${
    counted(result.completionTokens, "token")
  }${decode}${first}; prompt ${
    counted(promptTokens, "token")
  }${cached}${prefill}${offloadPart(result)}`;
}

/**
 * What offloading came to in a generation.
 *
 * @param result The record.
 * @returns Sums and rates; `null` if all experts are on the GPU.
 */
export function offloadReportOf(result: GenerateResult): OffloadReport | null {
  return result.offload ? offloadReport(result.offload, workMs(result)) : null;
}

function offloadPart(result: GenerateResult): string {
  const text = result.offload &&
    describeOffload(result.offload, workMs(result));
  return text ? `; ${text}` : "";
}

/** The time in which the answer was made. */
function workMs({ prefillMs, decodeMs }: GenerateResult): number {
  return prefillMs + decodeMs;
}

/** Times a generation. It counts the time of the reader of the text apart. */
export class GenerationClock {
  readonly #start: number = performance.now();
  #prefillEnd: number = this.#start;
  #prefillTokens = 0;
  #firstToken: number | undefined;
  #readerMs = 0;
  #runCount = 0;

  /**
   * The prompt has run.
   *
   * @param tokens How many tokens of it ran.
   */
  prefillEnds(tokens: number): void {
    this.#prefillEnd = performance.now();
    this.#prefillTokens = tokens;
  }

  /** A token was picked. */
  tokenIsPicked(): void {
    this.#firstToken ??= performance.now();
  }

  /** A picked token was run. */
  tokenHasRun(): void {
    this.#runCount++;
  }

  /**
   * The reader had the text for a while.
   *
   * @param ms How long.
   */
  readerTook(ms: number): void {
    this.#readerMs += ms;
  }

  /**
   * Ends the generation.
   *
   * @returns The times of its record.
   */
  times(): GenerationTimes {
    const first = this.#firstToken;
    const prefillMs = this.#prefillEnd - this.#start;
    const decodeMs = first === undefined
      ? 0
      : performance.now() - first - this.#readerMs;
    return {
      timeToFirstTokenMs: first === undefined ? null : first - this.#start,
      prefillMs,
      decodeMs,
      prefillTokensPerSecond: rate(this.#prefillTokens, prefillMs),
      decodeTokensPerSecond: rate(this.#runCount, decodeMs),
    };
  }
}

/** The times of a generation's record. */
export type GenerationTimes = Pick<
  GenerateResult,
  | "timeToFirstTokenMs"
  | "prefillMs"
  | "decodeMs"
  | "prefillTokensPerSecond"
  | "decodeTokensPerSecond"
>;

function rate(count: number, ms: number): number | null {
  return count > 0 && ms > 0 ? count / ms * 1000 : null;
}
