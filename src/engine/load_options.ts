/** How to load a model. */

import type { RoutingListener } from "../model/routing_reader.ts";
import { POLICIES, type PolicyName } from "../offload/eviction.ts";
import type { Plan } from "../offload/placement.ts";
import {
  RESIDENCY_WISHES,
  type ResidencyWish,
} from "../offload/plan_residency.ts";
import { STORE_KINDS, type StoreKind } from "../offload/plan_stores.ts";
import {
  PREFETCH_MODES,
  type PrefetchMode,
} from "../offload/prefetch_switch.ts";
import type { SlotsWish } from "../offload/slots_wish.ts";
import type { Progress } from "../model/upload.ts";
import { type ActivationsOptions, checkActivations } from "./activations.ts";
import {
  checkTuningWish,
  type TuningReport,
  type TuningWish,
} from "./open_gpu.ts";

/** Bits of a weight; 16 keeps the checkpoint's own floats. */
export type WeightBits = 16 | 8 | 4 | 3 | 2;

/** Options for `load()`. */
export interface LoadOptions extends ActivationsOptions {
  /**
   * Bits of the attention's weights.
   *
   * @default {undefined} as in the checkpoint
   */
  attnBits?: WeightBits | undefined;
  /**
   * Bits of the experts' weights.
   *
   * @default {undefined} as in the checkpoint
   */
  expertBits?: WeightBits | undefined;
  /**
   * Output rows of an attention matrix that share scale and zero.
   *
   * @default {64}, and 16 for 2 bits
   */
  attnGroupSize?: number | undefined;
  /**
   * Scales of an attention matrix that are quantized together.
   *
   * @default {256} for 8 and 4 bits, 128 for 3 and 2
   */
  attnScaleGroupSize?: number | undefined;
  /**
   * Output rows of an expert's matrix that share scale and zero.
   *
   * @default {64}, and 16 for 2 bits
   */
  expertGroupSize?: number | undefined;
  /**
   * Scales of an expert's matrix that are quantized together.
   *
   * @default {256} for 8 and 4 bits, 128 for 3 and 2
   */
  expertScaleGroupSize?: number | undefined;
  /**
   * Positions of the KV cache: how long prompt and answer may be together.
   *
   * @default {number} what the model was made for, at most 4096
   */
  contextLength?: number | undefined;
  /**
   * The most tokens of a prompt that run at once.
   *
   * @default {512}
   */
  chunkSize?: number | undefined;
  /**
   * Bytes of ordinary memory for keys and values of conversations that do not run
   * now, so that those need not run again when they go on.
   *
   * @default {0} the last conversation only, which stays on the GPU
   */
  promptCacheBytes?: number | undefined;
  /**
   * How many experts of each layer the GPU holds: a number for all layers, one
   * for each, or `"auto"` for what the VRAM holds.
   *
   * @default {"auto"}
   */
  slots?: SlotsWish | undefined;
  /**
   * Experts of each layer that are not on the GPU at the start: the same as
   * `slots`, counted from the other end (mixtral-offloading's name for it).
   */
  offloadPerLayer?: number | undefined;
  /** Slots of all layers together; must agree with the others. */
  mainSize?: number | undefined;
  /** Experts that are not on the GPU at the start; must agree with the others. */
  offloadSize?: number | undefined;
  /**
   * Staging slots, shared by all layers.
   *
   * @default {4}
   */
  bufferSize?: number | undefined;
  /**
   * Which expert to evict.
   *
   * @default {"lru"}
   */
  policy?: PolicyName | undefined;
  /**
   * Where experts are when they are not on the GPU.
   *
   * @default {"auto"} the fastest that holds them
   */
  store?: StoreKind | "auto" | undefined;
  /**
   * Whether to load experts ahead that the next layer will probably choose;
   * `"auto"` stops where it does not pay.
   *
   * @default {"auto"}
   */
  prefetch?: PrefetchMode | undefined;
  /**
   * How many guessed experts to load ahead.
   *
   * @default {number} the model's experts per token
   */
  prefetchExperts?: number | undefined;
  /**
   * Who decides, while decoding, which experts come and go: the GPU by itself,
   * which takes all experts off the GPU in pinned memory, or the host, which
   * waits for the router of each layer. Texts are the same.
   *
   * @default {"auto"} the GPU where it can
   */
  residency?: ResidencyWish | undefined;
  /**
   * Bytes of VRAM to plan for.
   *
   * @default {number} 8 GiB, or what the slots asked for take
   */
  vramByteLength?: number | undefined;
  /**
   * Bytes of RAM for experts; what does not fit stays on disk.
   *
   * @default {number} what they take
   */
  ramByteLength?: number | undefined;
  /**
   * Hears which experts each layer chooses. For it layers whose experts are all
   * on the GPU read their routing back, too, which takes time.
   */
  onRouting?: RoutingListener | undefined;
  /**
   * How many layers ahead routers guess besides one, for `onRouting`: numbers of at
   * least 2 below the number of layers, ascending. Then the host reads the routing
   * of every layer before the next runs, and decides on experts itself, which
   * takes more time; texts are the same.
   *
   * @default {[]}
   */
  guessAhead?: readonly number[] | undefined;
  /**
   * Whether `Engine.experts` tells of layers whose experts are all on the GPU, too:
   * their routers write down what they choose, which is read if anybody listens.
   *
   * @default {false}
   */
  watchable?: boolean | undefined;
  /**
   * Hears what goes where, before the weights load; again if the GPU has less memory
   * than that.
   */
  onPlan?: ((plan: Plan) => void) | undefined;
  /**
   * How kernels share their work on this device: `"auto"` or `"on"` for the
   * table that `moeno tune` wrote, `"off"` for the defaults, or values of one's
   * own.
   *
   * @default {"auto"} or "off" where the variable MOENO_TUNING is `off`
   */
  tuning?: TuningWish | undefined;
  /** Hears which tuning is in force, before the weights load. */
  onTuning?: ((report: TuningReport) => void) | undefined;
  /**
   * Whether to time every kernel, for `Engine.profile`. Kernels run one after the
   * other then, which takes longer; texts are the same.
   *
   * @default {false}
   */
  profile?: boolean | undefined;
  /**
   * Whether to be ready before all experts are in memory: the others load on
   * while the model runs, and one that is needed is read at once. Texts are the
   * same. An expert that cannot be read is then an error of the text that needs
   * it.
   *
   * @default {false}
   */
  background?: boolean | undefined;
  /**
   * Hears in a sentence what is done otherwise than planned: with fewer slots if the
   * GPU refuses memory, or with another store if the system pins less.
   */
  onNotice?: ((notice: string) => void) | undefined;
  /** Called now and then while the weights load. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** The bits that weights can have. */
export const WEIGHT_BITS: readonly WeightBits[] = [16, 8, 4, 3, 2];

/** The words that some options take. */
export const CHOICES: Readonly<
  Record<"policy" | "store" | "prefetch" | "residency", readonly string[]>
> = {
  policy: Object.keys(POLICIES),
  store: ["auto", ...STORE_KINDS],
  prefetch: PREFETCH_MODES,
  residency: RESIDENCY_WISHES,
};

/**
 * Checks load options.
 *
 * @param options The options.
 * @throws {RangeError} If one is out of range.
 */
export function checkLoadOptions(options: LoadOptions): void {
  checkChoices(options);
  checkTuningWish(options.tuning ?? "auto");
  checkActivations(options.activations);
  for (const name of ["attnBits", "expertBits"] as const) {
    const bits = options[name];
    if (bits !== undefined && !WEIGHT_BITS.includes(bits)) {
      throw new RangeError(
        `Cannot load the model: ${name} is ${bits}, wanted one of ${
          WEIGHT_BITS.join(", ")
        }`,
      );
    }
  }
  for (
    const name of [
      "attnGroupSize",
      "attnScaleGroupSize",
      "expertGroupSize",
      "expertScaleGroupSize",
      "contextLength",
      "chunkSize",
      "prefetchExperts",
    ] as const
  ) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
      throw new RangeError(
        `Cannot load the model: ${name} is ${value}, wanted a positive whole number`,
      );
    }
  }
  const { promptCacheBytes = 0 } = options;
  if (!(Number.isSafeInteger(promptCacheBytes) && promptCacheBytes >= 0)) {
    throw new RangeError(
      `Cannot load the model: promptCacheBytes is ${promptCacheBytes}, wanted a number of bytes, or 0`,
    );
  }
}

function checkChoices(options: LoadOptions): void {
  for (const name of ["policy", "store", "prefetch", "residency"] as const) {
    const value: string | undefined = options[name];
    const choices = CHOICES[name];
    if (value === undefined || choices.includes(value)) continue;
    throw new RangeError(
      `Cannot load the model: ${name} is ${
        JSON.stringify(value)
      }, wanted one of ${choices.join(", ")}`,
    );
  }
}
