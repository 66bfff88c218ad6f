/**
 * From what people call a model to its directory.
 *
 * @module
 */
import { isAbsolute } from "@std/path";
import { closest } from "../io/closest.ts";
import {
  findNames,
  isDirectoryAt,
  type ModelPlaces,
  type NamedModel,
} from "./local_models.ts";
import { parseModelReference } from "./model_reference.ts";

/** The most names that a refusal lists. */
const LISTED = 8;

/**
 * Finds the directory of a model. A directory that is there wins; then come
 * names: `owner/name`, `owner/name@revision`, a name without its owner if only
 * one has it, and those of bundled models.
 *
 * @param text A path or a name.
 * @param places Where models with names are.
 * @returns The directory. What looks like a path (it begins with a dot, a slash
 * or `~`, or has more than one slash) is returned as it is, there or not.
 * @throws {Error} If there is no such model, or it is not whole, or several are
 * called so: one sentence that says what there is and how to get more.
 *
 * @example
 * ```ts
 * import { findModel, load } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const places = { home: null, bundled: "models" };
 * using engine = await load(await findModel("stories-17m-q", places));
 * assertEquals(engine.name, "stories-17m-q");
 * ```
 */
export async function findModel(
  text: string,
  places: ModelPlaces,
): Promise<string> {
  // Such as of a variable that is not set; its files would be sought in the root.
  if (text === "") {
    throw new Error(
      "Cannot find a model: its name is empty, wanted a directory or a name that moeno list shows",
    );
  }
  if (looksLikePath(text) || await isDirectoryAt(text)) return text;
  const all = await findNames(places);
  const found = matching(text, all);
  const [model] = found;
  if (model === undefined) throw unknownModel(text, all);
  if (found.length > 1) {
    throw new Error(
      `Cannot find model ${text}: ${
        namesOf(found)
      } are called so, wanted one with its owner`,
    );
  }
  if (!model.isWhole) {
    throw new Error(
      `Cannot open model ${model.name}: it is not here as a whole, wanted the rest; moeno pull ${model.name} goes on`,
    );
  }
  return model.directory;
}

/**
 * Finds the models that a name may mean.
 *
 * @param name The name, with its owner or without.
 * @param models The models.
 * @returns Those that are called so; the one of the whole name alone.
 */
export function matching<Model extends NamedModel>(
  name: string,
  models: readonly Model[],
): Model[] {
  const exact = models.find((model) => model.name === name);
  if (exact !== undefined) return [exact];
  return models.filter((model) => model.name.endsWith(`/${name}`));
}

function looksLikePath(text: string): boolean {
  return /^[.~\\]/.test(text) || isAbsolute(text) ||
    text.replace(/@.*/s, "").split(/[/\\]/).length > 2;
}

function unknownModel(text: string, all: readonly NamedModel[]): Error {
  const guess = guessName(text, all.map(({ name }) => name));
  const here = guess !== undefined
    ? `did you mean ${guess}?`
    : all.length === 0
    ? "there are none here;"
    : all.length <= LISTED
    ? `here are ${namesOf(all)};`
    : `moeno list shows the ${all.length} that are here;`;
  const pull = isHubId(text)
    ? ` moeno pull ${text} fetches one from a hub`
    : guess === undefined
    ? " moeno pull <owner/name> fetches one"
    : "";
  return new Error(
    `Cannot find model ${text}: there is no such directory and no model of that name, ${here}${pull}`,
  );
}

/** The name that was meant: a similar one, or one that the text is a part of. */
function guessName(text: string, names: readonly string[]): string | undefined {
  const shown = text.includes("/")
    ? names
    : names.map((name) => name.replace(/^.*\//, ""));
  const part = text.toLowerCase();
  return closest(text, shown) ??
    shown.find((name) => name.toLowerCase().includes(part));
}

function namesOf(models: readonly NamedModel[]): string {
  return models.map(({ name }) => name).join(", ");
}

function isHubId(text: string): boolean {
  try {
    parseModelReference(text);
    return true;
  } catch {
    return false;
  }
}
