/** A prompt at once against the same tokens one by one. */

import type { Mixtral } from "../model/mixtral.ts";
import type { Progress } from "../model/upload.ts";
import { finiteLogits, finiteRows } from "./non_finite_error.ts";
import type { Rounding } from "./verify_reference.ts";
import {
  compareLogits,
  type LogitsDifference,
  type VerifyRow,
} from "./verify_row.ts";
import {
  firstRoutingDifference,
  type RoutedRun,
  type RoutingLog,
} from "./verify_routing.ts";

/** What both ways of running tokens gave. */
export interface PrefillRuns {
  /** One by one, all of them. */
  readonly decoded: RoutedRun;
  /** At once, all of them. */
  readonly whole: RoutedRun;
  /** At once: by how many tokens, the logits of the last. */
  readonly prompts: ReadonlyMap<number, RoutedRun>;
}

/**
 * Runs tokens one by one, then all of them and the first of them at once.
 *
 * @param model The model.
 * @param ids The tokens.
 * @param options How many of them make a prompt; what hears the model's routers.
 * @returns What came out.
 * @throws {RangeError} If logits are no numbers.
 */
export async function runPrefill(
  model: Mixtral,
  ids: readonly number[],
  { lengths, log, signal, onProgress }: {
    lengths: readonly number[];
    log: RoutingLog;
    signal?: AbortSignal | undefined;
    onProgress?: ((progress: Progress) => void) | undefined;
  },
): Promise<PrefillRuns> {
  log.take(); // of whatever ran before
  const logits: Float32Array[] = [];
  for (const [position, id] of ids.entries()) {
    signal?.throwIfAborted();
    logits.push((await finiteLogits(model, [id], position)).slice());
    const [done, total] = [position + 1, ids.length];
    onProgress?.({ what: "single tokens", done, total });
  }
  const decoded = { logits, routings: log.take() };
  const { vocabSize } = model.config;
  const all: Float32Array[] = [];
  for await (const rows of finiteRows(model, ids)) {
    for (let at = 0; at < rows.length; at += vocabSize) {
      all.push(rows.slice(at, at + vocabSize));
    }
  }
  const whole = { logits: all, routings: log.take() };
  const prompts = new Map<number, RoutedRun>();
  for (const length of lengths) {
    signal?.throwIfAborted();
    const row = await finiteLogits(model, ids.slice(0, length), 0);
    const run = { logits: [row.slice()], routings: log.take() };
    prompts.set(length, run);
  }
  return { decoded, whole, prompts };
}

/**
 * Judges whether prompts gave what single tokens gave. Where the two chose other
 * experts that are nearly tied, what comes after that position cannot be compared.
 *
 * @param runs What came out.
 * @param rounding What rounding may come to.
 * @returns How it came out.
 */
export function judgePrefill(
  { decoded, prompts }: PrefillRuns,
  rounding: Rounding,
): Omit<VerifyRow, "check" | "what" | "against"> {
  const notes: string[] = [];
  const failures: string[] = [];
  let largest: LogitsDifference | null = null;
  let rowCount = 0;
  for (const [length, { logits, routings }] of prompts) {
    const other = firstRoutingDifference(routings, decoded.routings);
    if (other !== null) {
      const { layer, position, actual, expected, gap } = other;
      const where = `a prompt of ${length} sends position ${position} to ` +
        `expert ${actual} in layer ${layer}, single tokens to ${expected}`;
      if (gap <= rounding.routers) {
        notes.push(`${where}: tied within rounding, so it was not compared`);
        continue;
      }
      failures.push(where);
    }
    const difference = compareLogits(logits[0]!, decoded.logits[length - 1]!);
    rowCount++;
    if (largest === null || !(difference.absolute <= largest.absolute)) {
      largest = difference;
    }
    if (!(difference.absolute <= rounding.logits)) {
      failures.push(
        `after ${length} tokens logits differ by ${
          difference.absolute.toExponential(1)
        }`,
      );
    } else if (
      !difference.isSameBest && difference.bestGap > 2 * rounding.logits
    ) {
      failures.push(`after ${length} tokens another token is the best`);
    }
  }
  return {
    verdict: failures.length > 0
      ? "different"
      : largest === null
      ? "skipped"
      : largest.absolute === 0
      ? "same"
      : "rounding",
    idCount: rowCount,
    rowCount,
    difference: largest?.absolute ?? null,
    relativeDifference: largest?.relative ?? null,
    tolerance: rounding.logits,
    notes: [...failures.slice(0, 3), ...notes],
  };
}
