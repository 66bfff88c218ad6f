import type { ModelConfig } from "../model/config.ts";
import type { LoadOptions } from "./load_options.ts";

/**
 * Checks `guessAhead` against the model, and lets the host decide on experts then:
 * it has to read the routing of each layer before the next one runs.
 *
 * @param options The load options.
 * @param config What the model is.
 * @returns The options to load with.
 * @throws {RangeError} If a depth is out of range, or the GPU is to decide.
 */
export function withGuessAhead(
  options: LoadOptions,
  { numHiddenLayers }: Pick<ModelConfig, "numHiddenLayers">,
): LoadOptions {
  const { guessAhead: depths = [], residency = "auto" } = options;
  if (depths.length === 0) return options;
  const isRight = depths.every((depth, i) =>
    Number.isInteger(depth) && depth > (depths[i - 1] ?? 1) &&
    depth < numHiddenLayers
  );
  if (!isRight) {
    throw new RangeError(
      `Cannot load the model: routers are to guess ${
        depths.join(", ")
      } layers ahead, wanted numbers from 2 to ${
        numHiddenLayers - 1
      }, ascending, since it has ${numHiddenLayers} layers`,
    );
  }
  if (residency === "gpu") {
    throw new RangeError(
      "Cannot load the model: routers are to guess more than one layer ahead, which takes residency cpu, wanted that or auto",
    );
  }
  return { ...options, residency: "cpu" };
}
