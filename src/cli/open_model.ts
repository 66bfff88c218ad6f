import { dim } from "@std/fmt/colors";
import type { FlagValue } from "./args.ts";
import type { Surroundings } from "./command.ts";
import { loadOptions } from "./flags.ts";
import { type CliEngine, defaultModel } from "./open_engine.ts";
import { progressLine } from "./progress.ts";

/**
 * Opens the model that the flags name, with a progress line.
 *
 * @param values The values of the flags.
 * @param surroundings Where to write, and how to open.
 * @returns The engine.
 */
export async function openModel(
  values: Readonly<Record<string, FlagValue>>,
  { io, open }: Surroundings,
): Promise<CliEngine> {
  const directory = values.model as string | undefined ?? defaultModel();
  const start = performance.now();
  using line = progressLine(io, values.quiet === true);
  const engine = await open(directory, {
    ...loadOptions(values),
    onProgress: line.show,
  });
  if (values.verbose) {
    const seconds = ((performance.now() - start) / 1000).toFixed(2);
    io.err(
      dim(`# ${engine.name} on ${engine.adapter}: loaded in ${seconds} s`) +
        "\n",
    );
  }
  return engine;
}
