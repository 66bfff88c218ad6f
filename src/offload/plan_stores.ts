import { formatByteLength } from "../io/byte_length.ts";
import { counted } from "../io/counted.ts";

/** Where experts are kept off the GPU. */
export type StoreKind = "pinned" | "array-buffer" | "disk";

/** The kinds of store, the fastest first. */
export const STORE_KINDS: readonly StoreKind[] = [
  "pinned",
  "array-buffer",
  "disk",
];

/** The experts that one store keeps. */
export interface StorePart {
  /** Which store. */
  readonly kind: StoreKind;
  /** How many experts it keeps. */
  readonly expertCount: number;
  /** How many of them it holds in RAM: on disk, those of the RAM cache. */
  readonly ramExpertCount: number;
  /** Bytes of RAM. */
  readonly ramByteLength: number;
}

/** What {@linkcode planStores} is given. */
export interface StoresOptions {
  /** Bytes of an expert. */
  expertByteLength: number;
  /** The store that the user wants. */
  store: StoreKind | "auto";
  /** The RAM that may be used; without it, as much as it takes. */
  ramByteLength: number | undefined;
  /** The pinned memory that there is; 0 for none, Infinity if not known. */
  pinnedByteLength: number;
  /** Experts that the disk store at least holds in RAM while they are read. */
  readBufferCount: number;
}

/** Stores and why they were chosen. */
export interface StoresPlan {
  /** The stores in use, the fastest first; the first gets the first experts. */
  stores: StorePart[];
  /** A sentence for each choice. */
  reasons: string[];
}

/**
 * Decides which stores keep the experts of the layers that are not fully
 * resident. All of these are kept, those in slots too: a slot is never copied
 * back.
 *
 * `auto` fills pinned memory first, then array buffers, and leaves on disk
 * what the RAM does not hold. A fixed part in RAM beats a RAM cache over
 * everything, since what left VRAM last is what such a cache would hold twice.
 *
 * @param expertCount How many experts to keep.
 * @param options Sizes, budgets and the user's wish.
 * @returns The stores.
 * @throws {RangeError} If the store that is wanted does not hold them.
 */
export function planStores(
  expertCount: number,
  options: StoresOptions,
): StoresPlan {
  if (expertCount === 0) {
    return {
      stores: [],
      reasons: ["Store: none, since every expert has a slot of its own"],
    };
  }
  if (options.store === "auto") return autoStores(expertCount, options);
  if (options.store === "disk") return diskStore(expertCount, options);
  return ramStore(options.store, expertCount, options);
}

/** Everything in one store that holds its experts in RAM. */
function ramStore(
  kind: "pinned" | "array-buffer",
  expertCount: number,
  options: StoresOptions,
): StoresPlan {
  const { expertByteLength, ramByteLength, pinnedByteLength } = options;
  const size = expertCount * expertByteLength;
  const need = `${counted(expertCount, "expert")} off the GPU take ${
    formatByteLength(size)
  }`;
  if (kind === "pinned" && size > pinnedByteLength) {
    throw new RangeError(
      pinnedByteLength === 0
        ? "Cannot plan: the adapter gives no pinned memory, wanted it for the store; use store array-buffer or auto"
        : `Cannot plan: ${need}, wanted at most ${
          formatByteLength(pinnedByteLength)
        } of pinned memory; use store auto`,
    );
  }
  if (ramByteLength !== undefined && size > ramByteLength) {
    throw new RangeError(
      `Cannot plan: ${need}, wanted at most ${
        formatByteLength(ramByteLength)
      } of RAM; use store auto or disk`,
    );
  }
  return {
    stores: [part(kind, expertCount, options)],
    reasons: [`Store: ${kind}, as asked for`],
  };
}

/** Everything on disk, with the RAM budget as a cache. */
function diskStore(expertCount: number, options: StoresOptions): StoresPlan {
  const cached = Math.min(
    expertCount,
    options.ramByteLength === undefined
      ? options.readBufferCount
      : ramExperts(options),
  );
  if (cached < 1) throw noRam(options);
  const why = options.ramByteLength === undefined
    ? "no more than it takes to read, since no RAM budget is given"
    : "what the RAM budget holds";
  return {
    stores: [{ ...part("disk", cached, options), expertCount }],
    reasons: [
      "Store: disk, as asked for",
      `RAM cache over the disk: ${counted(cached, "expert")}, ${why}`,
    ],
  };
}

function autoStores(expertCount: number, options: StoresOptions): StoresPlan {
  const { expertByteLength, pinnedByteLength, readBufferCount } = options;
  const holds = ramExperts(options);
  if (holds < 1) throw noRam(options);
  const fits = expertCount <= holds;
  // While something is on disk, some of the RAM is there to read it into.
  const cached = fits ? 0 : Math.min(readBufferCount, holds);
  const inRam = fits ? expertCount : holds - cached;
  const pinned = Math.min(
    inRam,
    Math.floor(pinnedByteLength / expertByteLength),
  );
  const stores: StorePart[] = [];
  const reasons: string[] = [];
  if (pinned > 0) {
    stores.push(part("pinned", pinned, options));
    reasons.push(
      `Store: pinned for ${
        counted(pinned, "expert")
      }, since the GPU reads it fastest`,
    );
  }
  if (inRam > pinned) {
    stores.push(part("array-buffer", inRam - pinned, options));
    const why = pinnedByteLength === 0
      ? "the adapter gives no pinned memory"
      : `pinned memory ends at ${formatByteLength(pinnedByteLength)}`;
    reasons.push(
      `Store: array-buffer for ${
        counted(inRam - pinned, "expert")
      }, since ${why}`,
    );
  }
  if (!fits) {
    const left = expertCount - inRam;
    stores.push({ ...part("disk", cached, options), expertCount: left });
    reasons.push(
      `Store: disk for ${counted(left, "expert")}, since ${
        formatByteLength(options.ramByteLength!)
      } of RAM hold ${holds} of ${expertCount}, ${cached} of them to read into`,
    );
  }
  return { stores, reasons };
}

/** A store that holds its experts in RAM. */
function part(
  kind: StoreKind,
  expertCount: number,
  options: StoresOptions,
): StorePart {
  const ramByteLength = expertCount * options.expertByteLength;
  return { kind, expertCount, ramExpertCount: expertCount, ramByteLength };
}

function ramExperts(options: StoresOptions): number {
  const { ramByteLength = Infinity, expertByteLength } = options;
  return Math.floor(ramByteLength / expertByteLength);
}

function noRam(options: StoresOptions): RangeError {
  return new RangeError(
    `Cannot plan: the RAM budget is ${
      formatByteLength(options.ramByteLength!)
    }, wanted at least ${
      formatByteLength(options.expertByteLength)
    } for an expert; use a larger one`,
  );
}
