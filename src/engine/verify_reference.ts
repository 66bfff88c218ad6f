/** The model on the GPU against the same model in plain loops. */

import { counted } from "../io/counted.ts";
import { bestExperts } from "../model/plain_math.ts";
import type { ReferencePass, ReferenceResult } from "../model/reference.ts";
import {
  compareLogits,
  type LogitsDifference,
  type VerifyRow,
} from "./verify_row.ts";
import type { RoutedRun, Routings } from "./verify_routing.ts";

/**
 * How many times what rounding did to the plain model may come to: the GPU rounds
 * elsewhere, in another order, and approximates exp() and 1 / sqrt().
 */
const ROUNDING_FACTOR = 16;

/** What rounding to float32 does to this model and these tokens: see `roundingOf`. */
export interface Rounding {
  /** Logits may differ by so much. */
  readonly logits: number;
  /** Outputs of routers may. */
  readonly routers: number;
}

/**
 * Says what rounding may come to: some times what it did to the plain model, which
 * ran in float64 and in float32.
 *
 * @param plain What the plain model said.
 * @returns By how much logits and outputs of routers may differ.
 */
export function roundingOf(plain: ReferenceResult): Rounding {
  const rounded = plain.rounded!;
  let [logits, routers] = [0, 0];
  for (const [t, row] of plain.logits.entries()) {
    logits = Math.max(logits, compareLogits(rounded.logits[t]!, row).absolute);
  }
  for (const [layer, tokens] of plain.routings.entries()) {
    for (const [t, { logits: row }] of tokens.entries()) {
      const other = rounded.routings[layer]![t]!.logits;
      routers = Math.max(routers, compareLogits(other, row).absolute);
    }
  }
  return {
    logits: ROUNDING_FACTOR * logits,
    routers: ROUNDING_FACTOR * routers,
  };
}

/**
 * Judges what the GPU said by what the plain model said.
 *
 * @param gpu Logits of the first positions, and where their tokens went; as far as
 * the plain model went along, or some positions less.
 * @param plain What the plain model said, along the same experts.
 * @param rounding What rounding may come to.
 * @returns How it came out.
 */
export function judgeReference(
  { logits, routings }: RoutedRun,
  plain: ReferencePass,
  rounding: Rounding,
): Omit<VerifyRow, "check" | "what" | "against"> {
  const notes: string[] = [];
  let largest: LogitsDifference | null = null;
  let isSame = true;
  const count = Math.min(logits.length, plain.logits.length);
  for (const [t, row] of plain.logits.slice(0, count).entries()) {
    const difference = compareLogits(logits[t]!, row);
    if (largest === null || !(difference.absolute <= largest.absolute)) {
      largest = difference;
    }
    const isTied = difference.bestGap <= 2 * rounding.logits;
    if (!difference.isSameBest && !isTied && isSame) {
      notes.push(`position ${t} has another most probable token`);
      isSame = false;
    }
  }
  if (!(largest!.absolute <= rounding.logits)) {
    isSame = false;
    notes.push(whereRoutersDiffer(routings, plain, rounding));
  }
  const routing = judgeRouting(routings, plain, rounding);
  notes.push(...routing.notes);
  return {
    verdict: isSame && routing.isRight ? "rounding" : "different",
    idCount: count,
    rowCount: count,
    difference: largest!.absolute,
    relativeDifference: largest!.relative,
    tolerance: rounding.logits,
    notes,
  };
}

/** Whether the GPU chose the best experts, or others that are nearly tied. */
function judgeRouting(
  routings: Routings,
  plain: ReferencePass,
  rounding: Rounding,
): { isRight: boolean; notes: string[] } {
  let tieCount = 0;
  for (const [layer, tokens] of plain.routings.entries()) {
    const count = Math.min(tokens.length, routings[layer]!.length);
    for (const [t, { logits }] of tokens.slice(0, count).entries()) {
      const { ids } = routings[layer]![t]!;
      const best = bestExperts(logits, ids.length);
      const missed = best.filter((id) => !ids.includes(id));
      const taken = ids.filter((id) => !best.includes(id));
      if (missed.length === 0) continue;
      const gap = Math.max(...missed.map((id) => logits[id]!)) -
        Math.min(...taken.map((id) => logits[id]!));
      if (gap > rounding.routers) {
        const note = `layer ${layer} sends position ${t} to expert ${
          taken[0]
        }, wanted ${missed[0]}, whose router output is ${
          gap.toExponential(1)
        } higher`;
        return { isRight: false, notes: [note] };
      }
      tieCount++;
    }
  }
  if (tieCount === 0) return { isRight: true, notes: [] };
  const tokens = counted(tieCount, "token");
  return {
    isRight: true,
    notes: [`${tokens} went to experts that are tied within rounding`],
  };
}

/** The first layer whose router sees something else than in plain loops. */
function whereRoutersDiffer(
  routings: Routings,
  plain: ReferencePass,
  rounding: Rounding,
): string {
  for (const [layer, tokens] of plain.routings.entries()) {
    const count = Math.min(tokens.length, routings[layer]!.length);
    for (const [t, { ids, weights }] of tokens.slice(0, count).entries()) {
      const actual = routings[layer]![t]!;
      // By an output's difference d a weight changes by d / 2 at most.
      const isOff = ids.some((id, rank) =>
        !(Math.abs(
          actual.weights[actual.ids.indexOf(id)]! - weights[rank]!,
        ) <= rounding.routers)
      );
      if (!isOff) continue;
      return layer === 0
        ? "the router of layer 0 differs: look at embedding and attention"
        : `routers agree up to layer ${
          layer - 1
        }, that of layer ${layer} differs: look at the experts of layer ${
          layer - 1
        } and the attention of layer ${layer}`;
    }
  }
  return plain.routings[0]![0]!.ids.length === 1
    ? "with one expert a token, routers do not tell in which layer"
    : "all routers agree: look at the experts of the last layer and the head";
}
