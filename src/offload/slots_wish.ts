import { counted } from "../io/counted.ts";
import { showJson } from "../io/show_json.ts";

/** How many slots a layer gets: all the same, one by one, or as planned. */
export type SlotsWish = number | readonly number[] | "auto";

/**
 * The numbers of mixtral-offloading's `OffloadConfig` (`build_model.py`), under
 * its names. Those that are given must agree with each other and the model.
 */
export interface OffloadConfig {
  /** Slots on the GPU, all layers together. */
  mainSize?: number | undefined;
  /** Experts that are not on the GPU at the start, all layers together. */
  offloadSize?: number | undefined;
  /** Staging slots, shared by all layers. */
  bufferSize?: number | undefined;
  /** Experts of each layer that are not on the GPU at the start. */
  offloadPerLayer?: number | undefined;
}

/** What {@linkcode resolveSlots} is given. */
export interface SlotsOptions extends OffloadConfig {
  /** Slots per layer. */
  slots?: SlotsWish | undefined;
}

/** The numbers of a model that bound its slots. */
export interface ExpertCounts {
  /** Layers of the model. */
  layerCount: number;
  /** Experts of a layer. */
  expertCount: number;
  /** Experts of a token in a layer. */
  topK: number;
}

/**
 * Reads a wish for slots: `auto`, `5` for every layer, or `6,6,5,5` with a
 * number for each layer.
 *
 * @param text What the user wrote.
 * @returns The wish.
 * @throws {SyntaxError} If it is none.
 */
export function parseSlots(text: string): SlotsWish {
  const trimmed = text.trim();
  if (trimmed === "auto") return "auto";
  const parts = trimmed.split(",").map((part) => part.trim());
  if (!parts.every((part) => /^\d{1,9}$/.test(part))) {
    throw new SyntaxError(
      `Cannot read slots: received ${
        showJson(text)
      }, wanted auto, a number such as 5, or one for each layer such as 6,6,5,5`,
    );
  }
  return parts.length === 1 ? Number(parts[0]) : parts.map(Number);
}

/**
 * The slots of each layer, if the user says, checked against the model.
 *
 * @param counts The model.
 * @param options What the user says.
 * @returns Slots per layer, or `undefined` if that is to be planned.
 * @throws {RangeError} If the numbers fit neither the model nor each other.
 */
export function resolveSlots(
  counts: ExpertCounts,
  options: SlotsOptions,
): number[] | undefined {
  const { layerCount, expertCount } = counts;
  const { offloadPerLayer, mainSize, offloadSize } = options;
  const total = layerCount * expertCount;
  let slots = listed(options.slots, layerCount);
  if (offloadPerLayer !== undefined) {
    checkWhole("offloadPerLayer", offloadPerLayer);
    slots ??= Array(layerCount).fill(expertCount - offloadPerLayer);
    for (const [layer, count] of slots.entries()) {
      if (count === expertCount - offloadPerLayer) continue;
      throw new RangeError(
        `Cannot plan: layer ${layer} gets ${counted(count, "slot")}, wanted ${
          expertCount - offloadPerLayer
        }, since offloadPerLayer is ${offloadPerLayer} of ${expertCount} experts`,
      );
    }
  }
  if (mainSize !== undefined) {
    slots ??= divided(mainSize, { name: "mainSize", counts });
    checkSum("mainSize", mainSize, sum(slots));
  }
  if (offloadSize !== undefined) {
    slots ??= divided(offloadSize, { name: "offloadSize", counts })
      .map((count) => expertCount - count);
    checkSum("offloadSize", offloadSize, total - sum(slots));
  }
  if (slots !== undefined) checkSlots(slots, counts);
  return slots;
}

function listed(
  wish: SlotsWish | undefined,
  layerCount: number,
): number[] | undefined {
  if (wish === undefined || wish === "auto") return undefined;
  if (typeof wish === "number") return Array(layerCount).fill(wish);
  if (wish.length === layerCount) return [...wish];
  throw new RangeError(
    `Cannot plan: slots are listed for ${
      counted(wish.length, "layer")
    }, wanted one number for each of ${layerCount} layers`,
  );
}

function divided(
  size: number,
  of: { name: string; counts: ExpertCounts },
): number[] {
  checkWhole(of.name, size);
  const { layerCount } = of.counts;
  if (size % layerCount === 0) return Array(layerCount).fill(size / layerCount);
  throw new RangeError(
    `Cannot plan: ${of.name} is ${size}, wanted a multiple of the ${layerCount} layers, or slots for each layer`,
  );
}

function checkWhole(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new RangeError(`Cannot plan: ${name} is ${value}, wanted a count`);
}

function checkSum(name: string, value: number, wanted: number): void {
  if (value === wanted) return;
  const what = name === "mainSize"
    ? "slots of all layers"
    : "experts without a slot";
  throw new RangeError(
    `Cannot plan: ${name} is ${value}, wanted ${wanted}, the number of ${what}`,
  );
}

function checkSlots(slots: readonly number[], counts: ExpertCounts): void {
  const { expertCount, topK } = counts;
  for (const [layer, count] of slots.entries()) {
    if (Number.isInteger(count) && count >= topK && count <= expertCount) {
      continue;
    }
    throw new RangeError(
      `Cannot plan: layer ${layer} gets ${
        counted(count, "slot")
      }, wanted ${topK} (top-k) to ${expertCount} (its experts)`,
    );
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
