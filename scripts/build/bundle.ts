/**
 * The program as a few files of JavaScript: itself, with the kernels and the page
 * inside, and a file for each module that runs in a Worker.
 *
 * @module
 */
import { basename, join, resolve } from "@std/path";
import { denoOutput } from "./deno_output.ts";
import { ENTRY, programFiles } from "./program_files.ts";

/** How a module names that of its Workers. Bundlers do not follow it. */
const WORKER = /new URL\("\.\/([\w-]+)\.ts", import\.meta\.url\)/g;

/** The program's file in a bundle. */
const BUNDLE_FILE = "moeno.js";

/**
 * Bundles the program. Needs esbuild, which Deno takes from npm or from its cache.
 *
 * @param root The project's folder.
 * @param folder Where the files go.
 * @throws {Error} If it cannot be bundled, or a module of a Worker is not there.
 */
export async function bundleProgram(
  root: string,
  folder: string,
): Promise<void> {
  const main = join(folder, BUNDLE_FILE);
  await bundle(root, ENTRY, main);
  // It starts its Workers from the files beside it.
  const text = (await Deno.readTextFile(main))
    .replaceAll(WORKER, 'new URL("./$1.js", import.meta.url)');
  await Deno.writeTextFile(main, text);
  for (const path of (await programFiles(root)).workers) {
    await bundle(root, path, join(folder, `${basename(path, ".ts")}.js`));
  }
}

async function bundle(
  root: string,
  entry: string,
  output: string,
): Promise<void> {
  await denoOutput(root, [
    "bundle",
    "--quiet",
    "--platform=deno",
    `--output=${resolve(output)}`,
    entry,
  ]);
}
