/** What `moeno tune` varies, and what it runs to see whether that pays. */

import type { Gpu } from "../gpu/device.ts";
import { type Tuning, TUNING_VALUES } from "../gpu/tuning.ts";
import { argmax, argmaxWorkgroupSize } from "../ops/argmax.ts";
import { expertStrips } from "../ops/experts.ts";
import { matrixStrips } from "../ops/matvec.ts";
import { type Op, reduction } from "../ops/op.ts";
import { qkvUnitCount } from "../ops/projections.ts";
import type { TuneModel } from "./tune_model.ts";

/** Something that is varied. */
export interface Knob {
  /** Its name. */
  readonly name: keyof Tuning;
  /**
   * Tells apart values that make a difference, by the tuning in force.
   *
   * @returns Values of the same text make the same kernels.
   */
  readonly effect: () => string;
  /**
   * Makes the ops to be timed, by the tuning in force, in the shares of a token.
   *
   * @returns The ops, one after the other.
   */
  readonly ops: () => Promise<readonly Op[]>;
}

/** Tokens' worth of a short op, so that the read-back does not count. */
const ARGMAX_COUNT = 64;

/**
 * Makes everything that is varied, in the order in which it is to be: what is found
 * for one counts for those after it.
 *
 * @param gpu The GPU.
 * @param model What is run.
 * @returns The knobs.
 */
export function knobsOf(gpu: Gpu, model: TuneModel): readonly Knob[] {
  const { up, down, q, k } = model.layouts;
  const strips = {
    upUnits: () => [expertStrips(gpu, { up, down }).up],
    downUnits: () => [expertStrips(gpu, { up, down }).down],
    matrixUnits: () => [matrixStrips(gpu, q)],
  };
  const effectOf = (readings: ReturnType<typeof strips.upUnits>) =>
    JSON.stringify(readings.map((reading) => reading?.constants ?? null));
  const hasStrips = Object.values(strips).flatMap((readings) => readings())
    .every((reading) => reading !== null);
  return [
    {
      name: "partInvocations",
      effect: () => effectOf(strips.downUnits()),
      ops: model.experts,
    },
    {
      name: "downUnits",
      effect: () => effectOf(strips.downUnits()),
      ops: model.experts,
    },
    {
      name: "upUnits",
      effect: () => effectOf(strips.upUnits()),
      ops: model.experts,
    },
    {
      name: "qkvUnits",
      effect: () => String(qkvUnitCount(gpu, [q, k])),
      ops: model.matrices,
    },
    {
      name: "matrixUnits",
      effect: () => effectOf(strips.matrixUnits()),
      ops: model.matrices,
    },
    {
      name: "sumInvocations",
      effect: () => String(reduction(gpu, Infinity).constants.WG),
      // Without strips it is the products of a token that sum so.
      ops: async () => [
        ...await model.sums(),
        ...(hasStrips ? [] : [
          ...await model.matrices(),
          ...await model.experts(),
        ]),
      ],
    },
    {
      name: "argmaxInvocations",
      effect: () =>
        String(argmaxWorkgroupSize(gpu, model.argmaxOptions.vocabSize)),
      ops: async () =>
        Array<Op>(ARGMAX_COUNT).fill(await argmax(gpu, model.argmaxOptions)),
    },
  ];
}

/** A way of sharing work that is to be timed. */
export interface KnobVariant {
  /** The value of what is varied. */
  readonly value: number;
  /** Whether it is what was in force. */
  readonly isDefault: boolean;
  /** What is timed. */
  readonly ops: readonly Op[];
}

/**
 * Makes the ops of all values that make a difference. The tuning in force is the
 * same afterwards.
 *
 * @param gpu The GPU.
 * @param knob What is varied.
 * @returns The variants, by value; a single one if it has no effect here.
 */
export async function variantsOf(
  gpu: Gpu,
  knob: Knob,
): Promise<readonly KnobVariant[]> {
  const { tuning } = gpu;
  const { name } = knob;
  const inForce = tuning[name];
  const variants: KnobVariant[] = [];
  const effects = new Set<string>();
  try {
    // What is in force goes first: others that do the same are left out.
    for (const value of new Set([inForce, ...TUNING_VALUES[name]])) {
      gpu.tuning = { ...tuning, [name]: value };
      const effect = knob.effect();
      if (effects.has(effect)) continue;
      effects.add(effect);
      const ops = await knob.ops();
      variants.push({ value, isDefault: value === inForce, ops });
    }
  } finally {
    gpu.tuning = tuning;
  }
  return variants.toSorted((a, b) => a.value - b.value);
}
