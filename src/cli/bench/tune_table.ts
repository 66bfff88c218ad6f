import type { TunedKnob, TunedVariant } from "../../engine/tune.ts";
import { alignedTable } from "../table.ts";

/** Headings; the last is a word. */
const HEADINGS = ["what", "value", "ms", "noise %", "gain %", ""];

/**
 * Writes what came of tuning for people: a line for each value, with what is best
 * marked.
 *
 * @param knobs What was varied.
 * @returns Lines, with a line break at the end.
 */
export function tuneTable(knobs: readonly TunedKnob[]): string {
  const rows = knobs.flatMap((knob) =>
    knob.variants.map((variant) => rowOf(knob, variant))
  );
  return alignedTable([HEADINGS, ...rows], { left: [0, 5] }).join("\n") + "\n";
}

function rowOf(
  { name, before, best, variants }: TunedKnob,
  { value, ms, noise }: TunedVariant,
): string[] {
  const base = variants.find((variant) => variant.value === before)?.ms;
  const gain = ms === null || !base ? null : 100 * (1 - ms / base);
  const words = [
    ...value === before ? ["default"] : [],
    ...value === best && best !== before ? ["best"] : [],
    ...variants.length === 1 ? ["makes no difference here"] : [],
  ];
  return [
    value === variants[0]!.value ? name : "",
    String(value),
    ms?.toFixed(3) ?? "",
    noise === null ? "" : (100 * noise).toFixed(1),
    gain === null || value === before ? "" : gain.toFixed(1),
    words.join(", "),
  ];
}
