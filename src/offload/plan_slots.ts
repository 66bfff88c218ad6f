import { formatByteLength } from "../io/byte_length.ts";
import { evenSlots } from "./even_slots.ts";
import {
  fixedByteLength,
  type ModelSizes,
  slotsByteLength,
} from "./model_sizes.ts";
import { resolveSlots, type SlotsOptions } from "./slots_wish.ts";

/** Staging slots, shared by all layers, when nobody asks for a number. */
const DEFAULT_BUFFER_SIZE = 4;

/** One staging slot fills while another is used. */
const LEAST_BUFFER_SIZE = 2;

/**
 * The VRAM that is planned for when no budget is given: WebGPU does not say
 * how much there is, and 8 GiB is what a card for this work has at least.
 */
export const DEFAULT_VRAM_BYTE_LENGTH: number = 8 * 2 ** 30;

/** Options for {@linkcode planSlots}. */
export interface SlotsPlanOptions extends SlotsOptions {
  /**
   * The VRAM that may be used.
   *
   * @default {undefined} what the slots take; for `auto`, 8 GiB, or more if
   * top-k slots per layer need more
   */
  vramByteLength?: number | undefined;
}

/** Slots and why they are so many. */
export interface SlotsPlan {
  /** Slots of each layer: (layerCount) */
  slots: number[];
  /** Staging slots beside them; none if every expert has a slot. */
  stagingSlotCount: number;
  /** A sentence for each choice. */
  reasons: string[];
}

/**
 * Plans how many experts of each layer the GPU holds.
 *
 * Slots that are not asked for are dealt out evenly, as many as the VRAM
 * holds beside trunk, KV cache, scratch and staging slots: hit rates grow
 * ever more slowly with slots, so that a layer should not get its third before
 * all have two. What is left over goes to the deepest layers: in figure 2 of
 * the paper (arXiv 2312.17238), the step from 2 to 4 slots adds 0.21, 0.24,
 * 0.26 and 0.27 to the hit rate of each quarter of the layers, and it is what a
 * slot adds that counts, not where hit rates are highest.
 *
 * @param sizes What the model takes.
 * @param options The budget and the user's wishes.
 * @returns The slots.
 * @throws {RangeError} If wishes contradict each other or the model, or if the
 * budget does not hold them.
 */
export function planSlots(
  sizes: ModelSizes,
  options: SlotsPlanOptions,
): SlotsPlan {
  const wished = resolveSlots(sizes, options);
  return wished === undefined
    ? autoSlots(sizes, options)
    : checkedSlots(wished, sizes, options);
}

/** Deals out what the VRAM holds. */
function autoSlots(sizes: ModelSizes, options: SlotsPlanOptions): SlotsPlan {
  const { layerCount, expertCount, topK, expertByteLength } = sizes;
  const { slotByteLength = expertByteLength } = sizes;
  const staging = stagingFor(options);
  const fixed = fixedByteLength(sizes);
  const sizeOf = (count: number) =>
    slotsByteLength(sizes, Array<number>(layerCount).fill(count));
  const least = fixed + sizeOf(topK) + staging * expertByteLength;
  const budget = options.vramByteLength ??
    Math.max(DEFAULT_VRAM_BYTE_LENGTH, least);
  const reasons = options.vramByteLength === undefined
    ? [
      `VRAM: ${
        formatByteLength(budget)
      } planned for, since no budget is given and WebGPU does not say what there is`,
    ]
    : [];
  const all = fixed + sizeOf(expertCount);
  if (all <= budget) {
    reasons.push(
      `Slots: one for every expert, since ${
        formatByteLength(budget)
      } of VRAM hold the model`,
    );
    const slots = Array(layerCount).fill(expertCount);
    return { slots, stagingSlotCount: 0, reasons };
  }
  if (least > budget) {
    const wanted = `at least top-k = ${topK} slots in each of ${layerCount} ` +
      `layers (${formatByteLength(sizeOf(topK))})`;
    const advice =
      "use a larger VRAM budget, a shorter context or experts of fewer bits";
    throw doesNotFit(sizes, { budget, staging, wanted, total: least, advice });
  }
  const room = budget - fixed - staging * expertByteLength;
  const count = Math.floor(room / slotByteLength);
  const first = layerCount - count % layerCount;
  const slots = evenSlots(layerCount, count);
  reasons.push(
    `Slots: ${count}, what ${formatByteLength(budget)} of VRAM hold beside ${
      formatByteLength(fixed)
    } of trunk, KV cache and scratch and ${staging} staging slots, evenly over ${layerCount} layers`,
  );
  if (first < layerCount) {
    reasons.push(
      `Slots: one more from layer ${first} on, since deeper layers gain most by it`,
    );
  }
  return { slots, stagingSlotCount: staging, reasons };
}

/** The slots that the user wants, if the VRAM holds them. */
function checkedSlots(
  slots: number[],
  sizes: ModelSizes,
  options: SlotsPlanOptions,
): SlotsPlan {
  const { expertCount, expertByteLength } = sizes;
  const isResident = slots.every((count) => count === expertCount);
  const staging = isResident ? 0 : stagingFor(options);
  const size = slotsByteLength(sizes, slots);
  const total = fixedByteLength(sizes) + size + staging * expertByteLength;
  const { vramByteLength: budget } = options;
  if (budget !== undefined && total > budget) {
    const wanted = `the ${sum(slots)} slots asked for (${
      formatByteLength(size)
    })`;
    const advice = `use a larger VRAM budget or slots auto`;
    throw doesNotFit(sizes, { budget, staging, wanted, total, advice });
  }
  const reasons = [`Slots: ${sum(slots)}, as asked for`];
  return { slots, stagingSlotCount: staging, reasons };
}

function stagingFor(options: SlotsPlanOptions): number {
  const { bufferSize = DEFAULT_BUFFER_SIZE } = options;
  if (Number.isInteger(bufferSize) && bufferSize >= LEAST_BUFFER_SIZE) {
    return bufferSize;
  }
  throw new RangeError(
    `Cannot plan: bufferSize is ${bufferSize}, wanted at least ${LEAST_BUFFER_SIZE} staging slots, one to fill while another is used`,
  );
}

function doesNotFit(
  sizes: ModelSizes,
  needs: {
    budget: number;
    staging: number;
    wanted: string;
    total: number;
    advice: string;
  },
): RangeError {
  const parts = [
    `the trunk (${formatByteLength(sizes.trunkByteLength)})`,
    `the KV cache (${formatByteLength(sizes.kvByteLength)})`,
    `scratch (${formatByteLength(sizes.scratchByteLength)})`,
  ];
  if (needs.staging > 0) {
    const size = formatByteLength(needs.staging * sizes.expertByteLength);
    parts.push(`${needs.staging} staging slots (${size})`);
  }
  return new RangeError(
    `Cannot plan: ${formatByteLength(needs.budget)} of VRAM have to hold ${
      parts.join(", ")
    } and ${needs.wanted}, wanted ${
      formatByteLength(needs.total)
    }; ${needs.advice}`,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
