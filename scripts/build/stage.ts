/**
 * A copy of the sources for a build, so that what the build adds is never seen by
 * those who run from the sources, and so that it depends on nothing else.
 *
 * @module
 */
import { dirname, join } from "@std/path";
import { SOURCES } from "./build_facts.ts";

/** A copy of the sources, which is removed when it is disposed of. */
export interface Stage extends AsyncDisposable {
  /** The project's folder. */
  readonly root: string;
  /** The copy. */
  readonly folder: string;
}

/**
 * Copies the sources into a temporary folder. All files get the same date: Deno
 * puts dates into what it compiles, and the same sources are to give the same
 * program.
 *
 * @param root The project's folder.
 * @returns The copy.
 */
export async function stageSources(root: string): Promise<Stage> {
  const folder = await Deno.makeTempDir({ prefix: "moeno-build-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  for (const path of SOURCES) await copy(join(root, path), join(folder, path));
  const kept = cleanup.move();
  return {
    root,
    // Where /tmp is a link, Deno would resolve it for some of the files.
    folder: await Deno.realPath(folder),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/**
 * Writes a file into a stage, with the date of all others.
 *
 * @param stage The copy of the sources.
 * @param name The file's name.
 * @param text What it holds.
 */
export async function writeStaged(
  { folder }: Stage,
  name: string,
  text: string,
): Promise<void> {
  const path = join(folder, name);
  await Deno.writeTextFile(path, text);
  await Deno.utime(path, 0, 0);
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) {
    await Deno.mkdir(dirname(to), { recursive: true });
    await Deno.copyFile(from, to);
    return await Deno.utime(to, 0, 0);
  }
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await copy(join(from, name), join(to, name));
  }
}
