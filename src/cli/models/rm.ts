import { dim } from "@std/fmt/colors";
import { matching } from "../../hub/find_model.ts";
import { findNames, type NamedModel } from "../../hub/local_models.ts";
import { removeModel } from "../../hub/remove_model.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import { closest } from "../../io/closest.ts";
import { harmlessLine } from "../../io/harmless.ts";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { JSON_FLAG, PLAIN_FLAGS } from "../shared_flags.ts";
import { UsageError } from "../usage_error.ts";
import { checkVisible, modelPlaces } from "./chosen_model.ts";

/** `rm`: takes fetched models away. */
export const RM: Command = {
  name: "rm",
  summary: "Removes models that were fetched",
  usage: "<model>... [flags]",
  details:
    `Takes names as moeno list shows them, also of models that are here in part. What
lies outside of the folder of models is never touched: of a link only the link goes.`,
  completes: "model",
  flags: [
    {
      name: "yes",
      option: "yes",
      letter: "y",
      isTypedOnly: true,
      help: "Do not ask",
    },
    JSON_FLAG,
    ...PLAIN_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io, environment }: Surroundings,
): Promise<number> {
  if (positional.length === 0) {
    throw new UsageError("rm has no model, wanted names as moeno list shows");
  }
  const places = modelPlaces(environment);
  await checkVisible(places);
  const all = await findNames(places);
  // All are found before the first is gone.
  const models = [...new Set(positional.map((name) => removable(name, all)))];
  if (!values.yes) {
    if (!io.terminal.input) {
      throw new UsageError(
        `Cannot remove ${models[0]!.name}: stdin is no terminal, wanted --yes`,
      );
    }
    const names = models.map(({ name }) => harmlessLine(name)).join(", ");
    io.err(`Remove ${names}? [y/N] `);
    if (!await saysYes(io.input)) {
      io.err("Nothing was removed.\n");
      return 1;
    }
  }
  const removed: { name: string; byteLength: number }[] = [];
  for (const model of models) {
    const byteLength = await removeModel(model, places.home!);
    removed.push({ name: model.name, byteLength });
    if (values.quiet || values.json) continue;
    const name = harmlessLine(model.name);
    io.err(dim(`# ${name} is gone: ${formatByteLength(byteLength)} freed`));
    io.err("\n");
  }
  if (values.json) io.out(JSON.stringify({ removed }) + "\n");
  return 0;
}

function removable(name: string, all: readonly NamedModel[]): NamedModel {
  const found = matching(name, all);
  const [model] = found;
  if (model?.isBundled) {
    throw new Error(`Cannot remove ${name}: it comes with the program`);
  }
  if (found.length > 1) {
    const names = found.map(({ name }) => name).join(", ");
    throw new Error(
      `Cannot remove ${name}: ${names} are called so, wanted one with its owner`,
    );
  }
  if (model !== undefined) return model;
  const names = all.filter(({ isBundled }) => !isBundled)
    .map(({ name }) => name);
  const guess = closest(name, names);
  throw new Error(
    `Cannot remove ${name}: no fetched model has that name, ${
      guess === undefined ? "moeno list shows them" : `did you mean ${guess}?`
    }`,
  );
}

/** Reads the first line of the answer. */
async function saysYes(input: ReadableStream<Uint8Array>): Promise<boolean> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of input) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n")) break;
  }
  return /^\s*y(es)?\s*(\n|$)/i.test(text);
}
