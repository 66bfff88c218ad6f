/** From where to where a model is quantized. */

import { join } from "@std/path";
import { fileError } from "../io/file_error.ts";

/**
 * Checks that a directory may be made, or replaced.
 *
 * @param source The model.
 * @param target The directory to make.
 * @param force Whether it may be replaced.
 * @throws {Error} If it holds the source, or something that is no model.
 */
export async function checkPlaces(
  source: string,
  target: string,
  force: boolean,
): Promise<void> {
  const found = await realPathIfAny(target);
  if (found === null) return;
  const from = await Deno.realPath(source);
  if (from === found || from.startsWith(join(found, "/"))) {
    throw new Error(
      `Cannot write ${target}: the source ${source} is there, wanted another directory`,
    );
  }
  const holdsModel = await realPathIfAny(join(target, "config.json")) !== null;
  if (force && !holdsModel) {
    throw new Error(
      `Cannot write ${target}: what is there has no config.json, wanted a model to replace, or another name`,
    );
  }
}

async function realPathIfAny(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw fileError(`read ${path}`, error);
  }
}

/**
 * Tells a model from others, and from itself before it was changed.
 *
 * @param source The model's directory.
 * @returns Its path, and the lengths and dates of its files that count.
 */
export async function fingerprint(source: string): Promise<unknown> {
  try {
    const names = (await Array.fromAsync(Deno.readDir(source)))
      .map(({ name }) => name)
      .filter((name) => /\.(safetensors|json)$/.test(name))
      .sort();
    const files: unknown[] = [];
    for (const name of names) {
      const { size, mtime } = await Deno.stat(join(source, name));
      files.push([name, size, mtime?.getTime() ?? null]);
    }
    return { path: await Deno.realPath(source), files };
  } catch (error) {
    throw fileError(`read ${source}`, error);
  }
}
