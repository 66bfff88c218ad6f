/** An engine without a checkpoint. */

import type { ModelConfig } from "../model/config.ts";
import { SyntheticReader } from "../model/synthetic_reader.ts";
import {
  syntheticConfig,
  type SyntheticShape,
} from "../model/synthetic_shapes.ts";
import {
  SYNTHETIC_PARTS,
  SyntheticWeights,
  type SyntheticWeightsOptions,
} from "../model/synthetic_weights.ts";
import type { Part, Quantization } from "../model/quantization.ts";
import type { Engine } from "./engine.ts";
import { loadFrom } from "./load.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import type { ModelSource } from "./model_source.ts";
import { wantedParts } from "./wanted_parts.ts";

/** Options for `loadSynthetic()`: bits are 4 for attention and 2 for experts. */
export interface SyntheticOptions
  extends LoadOptions, SyntheticWeightsOptions {}

/**
 * Makes up a model in memory, to measure speed without a checkpoint. It has no
 * tokenizer: prompts are ids, texts are empty. Token id t routes as token t of
 * its routing's trace, and the most probable token after t is t + 1.
 *
 * @param shape The model's name, or its numbers.
 * @param options How to load it, its seed and its routing.
 * @returns The engine. Dispose of it to free the GPU's memory.
 * @throws {RangeError} If there is no such shape, or it cannot route so.
 * @throws {Error} If there is no GPU, or the model does not fit.
 *
 * @example
 * ```ts
 * import { loadSynthetic } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = await loadSynthetic("tiny", { slots: 4 });
 * for await (const { final } of engine.generate([0, 1], { maxTokens: 3 })) {
 *   if (final) assertEquals(final.ids, [2, 3, 4]);
 * }
 * ```
 */
export async function loadSynthetic(
  shape: SyntheticShape | ModelConfig,
  options: SyntheticOptions = {},
): Promise<Engine> {
  checkLoadOptions(options);
  const { config, name, text, reader } = syntheticSource(shape);
  return await loadFrom(reader(options), {
    config,
    options,
    name,
    text,
    owned: new DisposableStack(),
  });
}

/**
 * Makes up a model that is to be loaded, in one way or in several. Same seed,
 * same experts, however they are routed.
 *
 * @param shape The model's name, or its numbers.
 * @returns The source, which holds nothing.
 * @throws {RangeError} If there is no such shape.
 */
export function syntheticSource(shape: string | ModelConfig): ModelSource {
  const isNamed = typeof shape === "string";
  const config = isNamed ? syntheticConfig(shape) : shape;
  return {
    name: isNamed ? `synthetic ${shape}` : "a synthetic model",
    config,
    isSynthetic: true,
    text: { tokenizer: null, chatTemplate: null, defaults: {} },
    reader(options) {
      const parts = wantedParts(options, SYNTHETIC_PARTS);
      return new SyntheticReader(
        new SyntheticWeights(config, options),
        parts as Record<Part, Quantization>, // it names each part
      );
    },
    [Symbol.dispose]: () => {},
  };
}
