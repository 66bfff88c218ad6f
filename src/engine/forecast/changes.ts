/** What could be loaded differently: flags that may make a model faster. */

import type { Plan } from "../../offload/placement.ts";
import { type LoadOptions, WEIGHT_BITS } from "../load_options.ts";
import { NO_SLOTS } from "../no_slots.ts";

/** A change of load options, as a user would type it. */
export interface Change {
  /** Flags. */
  readonly flags: string;
  /** The options that they change. */
  readonly options: LoadOptions;
}

/** What changes are looked for in. */
export interface ChangesInput {
  /** How the model is to be loaded. */
  readonly options: LoadOptions;
  /** What that comes to. */
  readonly plan: Plan;
  /** Experts of a layer. */
  readonly expertCount: number;
  /** Bits of both parts, as loaded. */
  readonly bits: { readonly attn: number; readonly experts: number };
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** The most tokens of a step. */
  readonly chunkSize: number;
  /** Bytes on the GPU with so many slots in each layer. */
  readonly vramOf: (slots: number) => number | null;
  /** Bytes of VRAM that there are; `null` if nobody knows. */
  readonly vramLimit: number | null;
  /** Bytes of RAM that experts may have; `null` if nobody knows. */
  readonly ramLimit: number | null;
}

/** Shorter contexts to try. */
const CONTEXTS = [8192, 4096, 2048, 1024, 512];
/** Fewer tokens of a prompt at once. */
const CHUNK_SIZE = 128;
/** The least number of staging slots. */
const BUFFER_SIZE = 2;

/**
 * Lists changes that could help, whether they do or not: more VRAM or slots,
 * fewer bits, a shorter context, smaller buffers, faster stores.
 *
 * @param input How the model is to be loaded, and what there is.
 * @returns The changes, none twice.
 */
export function changesOf(input: ChangesInput): Change[] {
  const { options, plan, bits, contextLength, chunkSize } = input;
  const isAll = plan.residentLayers.length === plan.slots.length;
  if (isAll) return [];
  const changes: Change[] = [...moreSlots(input), ...fasterStores(input)];
  for (const expertBits of WEIGHT_BITS) {
    if (expertBits >= bits.experts) continue;
    changes.push({
      flags: `--expert-bits ${expertBits}`,
      options: { expertBits },
    });
  }
  for (const attnBits of WEIGHT_BITS) {
    if (attnBits >= bits.attn || attnBits < 4) continue;
    changes.push({ flags: `--attn-bits ${attnBits}`, options: { attnBits } });
  }
  if (isListed(options)) return changes; // room that is freed stays empty
  for (const context of CONTEXTS) {
    if (context >= contextLength) continue;
    changes.push({
      flags: `--context ${context}`,
      options: { contextLength: context },
    });
  }
  if (chunkSize > CHUNK_SIZE) {
    changes.push({
      flags: `--chunk-size ${CHUNK_SIZE}`,
      options: { chunkSize: CHUNK_SIZE },
    });
  }
  if (plan.stagingSlotCount > BUFFER_SIZE) {
    changes.push({
      flags: `--buffer-size ${BUFFER_SIZE}`,
      options: { bufferSize: BUFFER_SIZE },
    });
  }
  return changes;
}

/** Slots that take more VRAM than is planned for. */
function moreSlots(input: ChangesInput): Change[] {
  const { options, plan, expertCount, vramOf, vramLimit } = input;
  const least = Math.min(...plan.slots);
  const changes: Change[] = [];
  let last = 0;
  for (let slots = least + 1; slots <= expertCount; slots++) {
    const need = vramOf(slots);
    if (need === null || need > (vramLimit ?? Infinity)) break;
    if (need <= plan.vramByteLength) continue;
    const budget = roundedUp(need);
    const { vramByteLength } = options;
    // Small experts: one more is the same rounded budget.
    const isSame = !isListed(options) && budget.byteLength === last;
    last = budget.byteLength;
    if (isSame) continue;
    changes.push(
      !isListed(options)
        ? {
          flags: `--vram ${budget.text}`,
          options: { vramByteLength: budget.byteLength },
        }
        : {
          flags: vramByteLength === undefined
            ? `--slots ${slots}`
            : `--slots ${slots} --vram ${budget.text}`,
          options: {
            ...NO_SLOTS,
            slots,
            vramByteLength: vramByteLength && budget.byteLength,
          },
        },
    );
  }
  return changes;
}

/** All experts where the GPU reaches them by itself. */
function fasterStores(
  { options, plan, expertCount, ramLimit }: ChangesInput,
): Change[] {
  const changes: Change[] = [];
  const offloadedCount = plan.slots.length - plan.residentLayers.length;
  const need = offloadedCount * expertCount * plan.expertByteLength;
  const { ramByteLength } = options;
  if (options.residency === "cpu") {
    changes.push({
      flags: "--residency auto",
      options: { residency: "auto" },
    });
  }
  if (need > (ramLimit ?? Infinity)) return changes;
  const budget = roundedUp(need);
  const isShort = ramByteLength !== undefined && ramByteLength < need;
  const store = options.store === undefined || options.store === "auto" ||
      options.store === "pinned"
    ? null
    : "auto";
  if (!isShort && store === null) return changes;
  changes.push({
    flags: [
      ...store === null ? [] : ["--store auto"],
      ...isShort ? [`--ram ${budget.text}`] : [],
    ].join(" "),
    options: {
      ...store !== null && { store },
      ...isShort && { ramByteLength: budget.byteLength },
    },
  });
  return changes;
}

/** Whether the user says how many slots there are, whatever room there is. */
function isListed(options: LoadOptions): boolean {
  const { slots = "auto", offloadPerLayer, mainSize, offloadSize } = options;
  return slots !== "auto" ||
    (offloadPerLayer ?? mainSize ?? offloadSize) !== undefined;
}

/** A budget as people name it: tenths of a GiB, or whole MiB of a small one. */
function roundedUp(need: number): { text: string; byteLength: number } {
  const [unit, step, digits] = need < 2 ** 30
    ? ["MiB", 2 ** 20, 0] as const
    : ["GiB", 2 ** 30 / 10, 1] as const;
  const count = Math.ceil(need / step);
  return {
    text: `${(count / 10 ** digits).toFixed(digits)}${unit}`,
    byteLength: Math.floor(count * step),
  };
}
