import { counted } from "../io/counted.ts";
import type { SlotsWish } from "../offload/slots_wish.ts";
import type { LoadOptions } from "./load_options.ts";

/** What is run where nobody says. */
export const BENCH_DEFAULTS = {
  promptTokens: [16],
  tokens: 128,
  repeat: 3,
} as const;

/** What a benchmark varies; what is not given stays as `load()` has it. */
export interface BenchWish {
  /** Bits of the experts' weights. */
  readonly expertBits?: readonly NonNullable<LoadOptions["expertBits"]>[];
  /** Slots. */
  readonly slots?: readonly SlotsWish[];
  /** The same, counted from the other end. */
  readonly offloadPerLayer?: readonly number[];
  /** Which expert to evict. */
  readonly policy?: readonly NonNullable<LoadOptions["policy"]>[];
  /** Whether to prefetch. */
  readonly prefetch?: readonly NonNullable<LoadOptions["prefetch"]>[];
  /** Who decides, while decoding, which experts come and go. */
  readonly residency?: readonly NonNullable<LoadOptions["residency"]>[];
  /**
   * How often a made-up model is to hit: a number for each of the slots, or of
   * `offloadPerLayer`, that leave experts off the GPU, in order.
   */
  readonly hitRates?: readonly number[];
}

/** One way to load a model, to be measured. */
export interface BenchCase {
  /** What is varied, as `load()` takes it. */
  readonly options: Pick<
    LoadOptions,
    "expertBits" | "slots" | "policy" | "prefetch" | "residency"
  >;
  /** How a made-up model is to route; `null` if nobody says. */
  readonly routing: {
    readonly hitRate: number;
    readonly slots: number;
  } | null;
}

/**
 * Lists all ways to load a model: every combination, with bits changing last,
 * since the experts of other bits have to be read anew. With all experts on the
 * GPU policy, prefetch and residency have nothing to do, and are not varied.
 *
 * @param wish What to vary.
 * @param expertCount Experts of a layer.
 * @returns The cases, at least one.
 * @throws {RangeError} If slots are given in two ways, or hit rates do not go
 * with them.
 */
export function planBench(
  wish: BenchWish,
  { expertCount }: { readonly expertCount: number },
): BenchCase[] {
  const places = placesOf(wish, expertCount);
  const ways = waysOf(wish);
  const cases: BenchCase[] = [];
  for (const expertBits of wish.expertBits ?? ONE) {
    for (const { slots, routing } of places) {
      const isResident = holdsAll(slots, expertCount);
      for (const way of isResident ? waysOf({}) : ways) {
        cases.push({ options: { expertBits, slots, ...way }, routing });
      }
    }
  }
  return cases;
}

/** Nothing to vary: one case, as `load()` has it. */
const ONE = [undefined] as const;

/** Every way to bring experts in; residency changes first. */
function waysOf(
  wish: BenchWish,
): Pick<BenchCase["options"], "policy" | "prefetch" | "residency">[] {
  return (wish.policy ?? ONE).flatMap((policy) =>
    (wish.prefetch ?? ONE).flatMap((prefetch) =>
      (wish.residency ?? ONE).map((residency) => ({
        policy,
        prefetch,
        residency,
      }))
    )
  );
}

/** Whether nothing is ever evicted or loaded ahead. */
function holdsAll(slots: SlotsWish | undefined, expertCount: number): boolean {
  if (slots === undefined || slots === "auto") return false;
  return [slots].flat().every((count) => count >= expertCount);
}

/** Slots, and how to route with them. */
interface Place {
  readonly slots: SlotsWish | undefined;
  readonly routing: BenchCase["routing"];
}

function placesOf(wish: BenchWish, expertCount: number): Place[] {
  const { offloadPerLayer, hitRates } = wish;
  if (wish.slots !== undefined && offloadPerLayer !== undefined) {
    throw new RangeError(
      "Cannot bench: there are slots and experts to offload per layer, wanted one of both",
    );
  }
  const slots = wish.slots ??
    offloadPerLayer?.map((count) => expertCount - count);
  if (hitRates === undefined) {
    return (slots ?? [undefined]).map((slots) => ({ slots, routing: null }));
  }
  return placesWithRates(slots ?? [], hitRates, expertCount);
}

function placesWithRates(
  slots: readonly SlotsWish[],
  hitRates: readonly number[],
  expertCount: number,
): Place[] {
  const rates = [...hitRates];
  const places = slots.map((slots): Place => {
    if (typeof slots !== "number") {
      throw new RangeError(
        `Cannot bench with a hit rate: slots are ${
          typeof slots === "string" ? slots : slots.join("/")
        }, wanted a number for all layers`,
      );
    }
    if (slots >= expertCount) return { slots, routing: null };
    return { slots, routing: { hitRate: rates.shift() ?? NaN, slots } };
  });
  const wanted = places.filter(({ routing }) => routing !== null).length;
  if (wanted === hitRates.length) return places;
  throw new RangeError(
    `Cannot bench: received ${
      counted(hitRates.length, "hit rate")
    }, wanted ${wanted}, one for each number of slots below ${expertCount}`,
  );
}
