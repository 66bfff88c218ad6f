import { dim } from "@std/fmt/colors";
import { listModels, type LocalModel } from "../../hub/local_models.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import { harmlessLine } from "../../io/harmless.ts";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { COMMON_FLAGS } from "../flags.ts";
import { JSON_FLAG } from "../shared_flags.ts";
import { alignedTable } from "../table.ts";
import { refuseArguments } from "../usage_error.ts";
import { checkVisible, modelPlaces } from "./chosen_model.ts";

/** `list`: the models that are here. */
export const LIST: Command = {
  name: "list",
  summary: "Lists the models that are on this machine",
  usage: "[flags]",
  details:
    `The names go wherever a model is wanted: moeno chat --model <name>. Models are
those that come with the program, and what moeno pull has brought below
MOENO_HOME or the user's caches; elsewhere they are named by their path.`,
  flags: [
    JSON_FLAG,
    ...COMMON_FLAGS.filter(({ name }) =>
      ["quiet", "verbose", "debug", "help"].includes(name)
    ),
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io, environment }: Surroundings,
): Promise<number> {
  refuseArguments("list", positional, "moeno show describes a model");
  const places = modelPlaces(environment);
  await checkVisible(places);
  const models = await listModels(places);
  if (values.json) {
    io.out(JSON.stringify({ models }) + "\n");
    return 0;
  }
  if (models.length > 0) io.out(modelTable(models, values.verbose === true));
  if (!values.quiet && !models.some(({ isBundled }) => !isBundled)) {
    io.err(
      dim(
        "# moeno pull <owner/name> fetches more; moeno pull --help names some",
      ) + "\n",
    );
  }
  return 0;
}

/**
 * Writes models for people.
 *
 * @param models The models.
 * @param hasPaths Whether to say where they lie.
 * @returns Lines, with a line break at the end.
 */
export function modelTable(
  models: readonly LocalModel[],
  hasPaths = false,
): string {
  const headings = ["name", "size", "from"].concat(hasPaths ? ["path"] : []);
  const rows = models.map((model) =>
    [model.name, formatByteLength(model.byteLength), originOf(model)]
      .concat(hasPaths ? [model.path] : [])
      // Folders may have been made by others.
      .map(harmlessLine)
  );
  const lines = alignedTable([headings, ...rows], { left: [0, 2, 3] });
  return lines.join("\n") + "\n";
}

function originOf({ isBundled, isWhole, source, name }: LocalModel): string {
  if (isBundled) return "bundled";
  if (!isWhole) return `unfinished; moeno pull ${name} goes on`;
  if (source === null) return "unknown";
  return `${URL.parse(source.endpoint)?.host ?? source.endpoint}, ${
    source.pulledAt.slice(0, 10)
  }`;
}
