/** What to verify, and what is told of it. */

import type { SyntheticWeightsOptions } from "../model/synthetic_weights.ts";
import type { Progress } from "../model/upload.ts";
import type { LoadOptions } from "./load_options.ts";
import type { TuningReport } from "./open_gpu.ts";

/** Options for `verify()`. */
export interface VerifyOptions {
  /** How the user loads the model. What is compared begins with it. */
  readonly load?: LoadOptions & SyntheticWeightsOptions;
  /**
   * The prompt: a text, or ids.
   *
   * @default {undefined} 96 tokens of a story; ids from 0 on for a made-up model
   */
  readonly prompt?: string | readonly number[] | undefined;
  /**
   * How many tokens to generate after the prompt in each way, half of them drawn
   * by the seed, half the most probable ones.
   *
   * @default {32}
   */
  readonly tokens?: number | undefined;
  /**
   * How many positions the plain reference computes.
   *
   * @default {undefined} as many as take about a minute
   */
  readonly positions?: number | undefined;
  /**
   * Draws tokens.
   *
   * @default {1}
   */
  readonly seed?: number | undefined;
  /**
   * Whether to compare less, in about a quarter of the time.
   *
   * @default {false}
   */
  readonly quick?: boolean | undefined;
  /** Stops it when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of the machine, before the first model is loaded. */
  readonly onOpen?: ((machine: VerifyMachine) => void) | undefined;
  /** Hears what is being done. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What is verified, and where. */
export interface VerifyMachine {
  /** The model's name. */
  readonly model: string;
  /** What people call the GPU. */
  readonly adapter: string;
  /** How kernels share their work. */
  readonly tuning: TuningReport;
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** Tokens after it. */
  readonly tokens: number;
  /** What draws them. */
  readonly seed: number;
}
