/**
 * A copy of the sources and packages for a build, so that what the build adds is
 * never seen by those who run from the sources, and so that it depends on nothing
 * else.
 *
 * @module
 */
import { dirname, join, relative } from "@std/path";
import { SOURCES } from "./build_facts.ts";
import { denoOutput } from "./deno_output.ts";
import { ENTRY } from "./program_files.ts";

/** A copy of the sources, which is removed when it is disposed of. */
export interface Stage extends AsyncDisposable {
  /** The project's folder. */
  readonly root: string;
  /** The copy. */
  readonly folder: string;
  /** Deno's own folder (`DENO_DIR`) for the build. */
  readonly denoFolder: string;
}

/**
 * Copies the sources and the packages into a temporary folder. All files get the
 * same date: Deno puts dates into what it compiles, and the same sources are to
 * give the same program, whenever packages were downloaded.
 *
 * @param root The project's folder.
 * @returns The copy.
 * @throws {Error} If a package is not there and cannot be downloaded.
 */
export async function stageSources(root: string): Promise<Stage> {
  // Where /tmp is a link, Deno would resolve it for some of the files.
  const parent = await Deno.realPath(
    await Deno.makeTempDir({ prefix: "moeno-build-" }),
  );
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(parent, { recursive: true }));
  const folder = join(parent, "source");
  const denoFolder = join(parent, "deno");
  for (const path of SOURCES) await copy(join(root, path), join(folder, path));
  await copyPackages(root, denoFolder);
  const kept = cleanup.move();
  return {
    root,
    folder,
    denoFolder,
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

/** Makes a folder for Deno that has the program's packages and no others. */
async function copyPackages(root: string, denoFolder: string): Promise<void> {
  await denoOutput(root, ["cache", "--quiet", ENTRY]); // downloads what is missing
  const { denoDir, npmCache } = JSON.parse(
    await denoOutput(root, ["info", "--json"]),
  );
  const { npmPackages } = JSON.parse(
    await denoOutput(root, ["info", "--json", ENTRY]),
  ) as { npmPackages: Record<string, { localPath: string }> };
  for (const { localPath } of Object.values(npmPackages)) {
    const target = join(denoFolder, "npm", relative(npmCache, localPath));
    await copy(localPath, target);
    await nameLicense(target);
    // What the registry says of all versions lies beside them.
    const registry = join(dirname(localPath), "registry.json");
    await copy(registry, join(dirname(target), "registry.json"));
  }
  // Runtimes that were downloaded are large, and are kept for the next time.
  const downloads = join(denoDir, "dl");
  await Deno.mkdir(downloads, { recursive: true });
  await Deno.symlink(downloads, join(denoFolder, "dl"), { type: "junction" });
}

/**
 * Gives a license an extension. Deno takes a file without one for a module, fails
 * to read it, and keeps in the program what it says then, with this machine's path.
 */
async function nameLicense(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !/^(licen[cs]e|notice)$/i.test(name)) continue;
    await Deno.rename(join(folder, name), join(folder, `${name}.md`));
  }
}

/**
 * Copies a file or a folder; all files get the date of a stage.
 *
 * @param from What.
 * @param to Where to.
 */
export async function copy(from: string, to: string): Promise<void> {
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
