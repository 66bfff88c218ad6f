/**
 * The program as a few files of JavaScript: itself, with the kernels and the page
 * inside, and a file for each module that runs in a Worker.
 *
 * @module
 */
import { basename, join, resolve } from "@std/path";
import { filesUnder } from "../files_under.ts";

/** How a module names that of its Workers. Bundlers do not follow it. */
const WORKER = /new URL\("\.\/([\w-]+)\.ts", import\.meta\.url\)/g;

/** The program's file in a bundle. */
export const BUNDLE_FILE = "moeno.js";

/**
 * Bundles the program. Needs esbuild, which Deno takes from npm or from its cache.
 *
 * @param root The project's folder.
 * @param folder Where the files go.
 * @returns Their names.
 * @throws {Error} If it cannot be bundled, or a module of a Worker is not there.
 */
export async function bundleProgram(
  root: string,
  folder: string,
): Promise<string[]> {
  const main = join(folder, BUNDLE_FILE);
  await bundle(root, join(root, "mod.ts"), main);
  const { text, workers } = renameWorkers(await Deno.readTextFile(main));
  await Deno.writeTextFile(main, text);
  for (const path of await workerModules(root, workers)) {
    const file = `${basename(path, ".ts")}.js`;
    await bundle(root, path, join(folder, file));
  }
  return [BUNDLE_FILE, ...workers.map((name) => `${name}.js`)];
}

/**
 * Lets a bundle start its Workers from the files beside it.
 *
 * @param text A bundle.
 * @returns Its text, and the names of the Workers' modules without what follows
 * the dot.
 */
export function renameWorkers(
  text: string,
): { text: string; workers: string[] } {
  const workers = [...text.matchAll(WORKER)].map(([, name]) => name!);
  return {
    text: text.replaceAll(WORKER, 'new URL("./$1.js", import.meta.url)'),
    workers: [...new Set(workers)].sort(),
  };
}

/** Finds modules below src/ by their names. */
async function workerModules(
  root: string,
  names: readonly string[],
): Promise<string[]> {
  const src = join(root, "src");
  const paths = await filesUnder(src);
  return names.map((name) => {
    const found = paths.filter((path) => basename(path) === `${name}.ts`);
    if (found.length === 1) return join(src, found[0]!);
    throw new Error(
      `Cannot bundle the Worker ${name}: ${found.length} modules below src/ ` +
        `are called ${name}.ts, wanted one`,
    );
  });
}

async function bundle(
  root: string,
  entry: string,
  output: string,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--platform=deno",
      `--config=${join(root, "deno.json")}`,
      `--output=${resolve(output)}`,
      resolve(entry),
    ],
    cwd: root,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(
    `Cannot bundle ${entry}: ${new TextDecoder().decode(stderr).trim()}`,
  );
}
