/** What was measured of speed, and what it means. */

import { formatByteLength } from "../../io/byte_length.ts";
import type { DiskRate } from "../disk_rate.ts";
import type { ReadbackLatency } from "../readback_latency.ts";
import { type Finding, note, ok, problem } from "./check.ts";

/**
 * Judges read-backs.
 *
 * @param facts How long they take.
 * @returns What that means.
 */
export function judgeReadback(
  { isSynchronous, directMs, awaitedMs }: ReadbackLatency,
): Finding {
  const awaited = `${awaitedMs.toFixed(2)} ms awaited`;
  return isSynchronous
    ? ok(`${directMs.toFixed(3)} ms at once, ${awaited}`)
    : note(
      `${awaited}; at once does not work in this Deno, so every token takes longer`,
      "deno upgrade 2.9.6",
    );
}

/** 10^9 bytes a second to the GPU, by where experts are; `null`: not there. */
export interface LinkFacts {
  readonly pinned: number | null;
  readonly arrayBuffer: number;
}

/** Below this, experts that come over the bus take most of the time. */
const SLOW_LINK = 8;

/**
 * Judges how fast experts come to the GPU.
 *
 * @param link The rates.
 * @param isSoftware Whether there is no bus between.
 * @returns What they mean.
 */
export function judgeLink(
  { pinned, arrayBuffer }: LinkFacts,
  isSoftware: boolean,
): Finding {
  const text = [
    ...pinned === null ? [] : [`pinned ${pinned.toFixed(1)} GB/s`],
    `array-buffer (writeBuffer) ${arrayBuffer.toFixed(1)} GB/s`,
  ].join(", ");
  if (isSoftware || (pinned ?? arrayBuffer) >= SLOW_LINK) return ok(text);
  return note(
    `${text}: slow for a bus`,
    "look whether the card has all its PCIe lanes; keep more experts on it (--vram)",
  );
}

/**
 * Judges files.
 *
 * @param facts What was read, and how fast; `null` if there was nothing to read.
 * @returns What that means.
 */
export function judgeDisk(
  facts: { readonly from: string; readonly rate: DiskRate | null } | null,
): Finding {
  if (facts === null || facts.rate === null) return note("no file to read");
  const { from, rate } = facts;
  return ok(
    `${rate.gigabytesPerSecond.toFixed(1)} GB/s (${
      formatByteLength(rate.byteLength)
    } of ${from}, from the disk or the system's cache of it: which cannot be told)`,
  );
}

/** What the bundled model said. */
export interface AnswerFacts {
  /** What it wrote. */
  readonly text: string;
  /** What it is known to write. */
  readonly wanted: string;
  /** Seconds that it took to load. */
  readonly loadSeconds: number;
  /** Tokens a second; `null` if there were too few. */
  readonly tokensPerSecond: number | null;
}

/**
 * Judges the answer of a model whose answer is known.
 *
 * @param facts What it wrote, and how fast; `null` if there is no such model.
 * @returns What that means.
 */
export function judgeAnswer(facts: AnswerFacts | null): Finding {
  if (facts === null) {
    return note("the bundled model is not there: nothing to test with");
  }
  const { text, wanted, loadSeconds, tokensPerSecond } = facts;
  if (text !== wanted) {
    return problem(
      `the bundled model wrote ${JSON.stringify(text)}, wanted ${
        JSON.stringify(wanted)
      }: the GPU computes wrongly`,
      "update the driver of the GPU, and try MOENO_TUNING=off; moeno verify finds " +
        "out more",
    );
  }
  const speed = tokensPerSecond === null
    ? ""
    : ` at ${tokensPerSecond.toFixed(0)} tok/s`;
  return ok(
    `the bundled model loads in ${loadSeconds.toFixed(1)} s and says what it ` +
      `should${speed}`,
  );
}
