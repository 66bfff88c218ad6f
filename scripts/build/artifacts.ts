/**
 * Builds the files of a release, whichever fail, and sums them up.
 *
 * @module
 */
import { join } from "@std/path";
import { hashFile } from "../../src/hub/content_hash.ts";
import { formatByteLength } from "../../src/io/byte_length.ts";
import { SUMS_FILE } from "../../src/program/build_facts.ts";

/** A file of a release. */
export interface Artifact {
  /** Its name. */
  readonly name: string;
  /** Makes it. */
  readonly build: (path: string) => Promise<unknown>;
}

/** A file that was made. */
export interface Built {
  /** Its name. */
  readonly name: string;
  /** Its bytes. */
  readonly byteLength: number;
  /** Its SHA-256, in hexadecimal. */
  readonly sha256: string;
}

/** A file that could not be made. */
export interface Failed {
  /** Its name. */
  readonly name: string;
  /** Why. */
  readonly failure: string;
}

/**
 * Builds all files, one after the other, and writes the hashes of those that came
 * out. What an earlier build left under their names is removed first.
 *
 * @param artifacts The files.
 * @param folder Where they go; it is made if it is not there.
 * @param onBuild Hears of each file before it is built.
 * @returns What came of each, in the same order.
 */
export async function buildArtifacts(
  artifacts: readonly Artifact[],
  folder: string,
  onBuild: (name: string) => void = () => {},
): Promise<(Built | Failed)[]> {
  await Deno.mkdir(folder, { recursive: true });
  for (const name of [SUMS_FILE, ...artifacts.map(({ name }) => name)]) {
    await removeIfAny(join(folder, name));
  }
  const results: (Built | Failed)[] = [];
  for (const { name, build } of artifacts) {
    onBuild(name);
    const path = join(folder, name);
    try {
      await build(path);
      results.push(await measureFile(folder, name));
    } catch (error) {
      await removeIfAny(path); // nobody is to take half a file for a whole one
      results.push({ name, failure: (error as Error).message });
    }
  }
  const built = results.filter((result) => "sha256" in result);
  await Deno.writeTextFile(join(folder, SUMS_FILE), sumsText(built));
  return results;
}

/**
 * Finds out what is known of a file.
 *
 * @param folder Where it lies.
 * @param name Its path in there.
 * @returns Its size and its hash.
 * @throws {Error} If it cannot be read.
 */
export async function measureFile(
  folder: string,
  name: string,
): Promise<Built> {
  const path = join(folder, name);
  const { size: byteLength } = await Deno.stat(path);
  const { signal } = new AbortController();
  const sha256 = await hashFile(path, { algorithm: "sha256", signal });
  return { name, byteLength, sha256 };
}

/**
 * Writes hashes as `sha256sum` does, so that `sha256sum --check` reads them.
 *
 * @param files The files.
 * @returns A line for each, by name.
 */
export function sumsText(files: readonly Built[]): string {
  return [...files].sort((a, b) => a.name < b.name ? -1 : 1)
    .map(({ sha256, name }) => `${sha256}  ${name}\n`).join("");
}

/**
 * Says what came of each file.
 *
 * @param results What came out.
 * @returns A line for each.
 */
export function resultLines(results: readonly (Built | Failed)[]): string[] {
  const width = Math.max(0, ...results.map(({ name }) => name.length));
  return results.map((result) => {
    const state = "sha256" in result
      ? `${formatByteLength(result.byteLength).padStart(10)}  ${result.sha256}`
      : `    failed  ${result.failure}`;
    return `${result.name.padEnd(width)}  ${state}`;
  });
}

async function removeIfAny(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
