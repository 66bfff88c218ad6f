import type { ModelSource } from "../../engine/model_source.ts";
import type { FlagValue } from "../args.ts";
import { chosenModel } from "./chosen_model.ts";

/**
 * Opens the weights that `--model` or `--synthetic` names, with the part of the
 * engine that reads them, which is loaded only now.
 *
 * @param values The values of the flags.
 * @returns The source, which keeps files open.
 * @throws {Error} If there is no such model.
 */
export async function openChosenSource(
  { model, synthetic }: Readonly<Record<string, FlagValue>>,
): Promise<ModelSource> {
  if (synthetic !== undefined) {
    const { syntheticSource } = await import("../../engine/load_synthetic.ts");
    return syntheticSource(synthetic as string);
  }
  const { openSource } = await import("../../engine/model_source.ts");
  return await openSource(await chosenModel(model as string | undefined));
}
