/**
 * What a build says of itself: `build.json` at the program's root.
 *
 * @module
 */
import { join } from "@std/path";
import { readJson } from "../../src/io/json_file.ts";
import type { BuildFacts } from "../../src/program/build_facts.ts";

/** The name of the model that comes with the program. */
export const MODEL = "stories-17m-q";

/** What has to come with a copy of the program. */
export const LICENSES = ["LICENSE", "LICENSE-THIRD-PARTY"] as const;

/** What a build is made of: paths below the project's folder. */
export const SOURCES = [
  ...LICENSES,
  "deno.json",
  "deno.lock",
  "kernels",
  "mod.ts",
  `models/${MODEL}`,
  "src",
  "types",
] as const;

/** What {@linkcode buildFacts} takes them from. */
export interface BuildFactsOptions {
  /** How the program is packed. */
  form: BuildFacts["form"];
  /** What it runs on, as Deno names it. */
  target: string;
  /** The version of Deno in it. */
  deno: string;
  /** What `deno.json` holds. */
  config: unknown;
  /** What `deno.lock` holds. */
  lock: unknown;
  /** What git says of the sources; `null` if nothing. */
  revision: Revision | null;
}

/** What git says of sources. */
export interface Revision {
  /** The commit that is checked out. */
  readonly commit: string;
  /** Whether sources differ from it. */
  readonly isDirty: boolean;
}

/**
 * Makes the facts of a build.
 *
 * @param options What to take them from.
 * @returns The facts.
 * @throws {SyntaxError} If `deno.json` has no version, or `deno.lock` none of a
 * package.
 */
export function buildFacts(
  { form, target, deno, config, lock, revision }: BuildFactsOptions,
): BuildFacts {
  const { version } = config as { version?: unknown };
  if (typeof version !== "string" || version === "") {
    throw new SyntaxError(
      `Cannot build: deno.json has version ${JSON.stringify(version)}, ` +
        'wanted a text such as "1.2.3"',
    );
  }
  return {
    form,
    version,
    deno,
    target,
    commit: revision?.commit ?? null,
    isDirty: revision?.isDirty ?? false,
    packages: packagesOf(lock),
    model: MODEL,
  };
}

/**
 * Finds the npm packages of a lock file of version 5.
 *
 * @param lock What `deno.lock` holds.
 * @returns Versions by names, sorted.
 */
export function packagesOf(lock: unknown): Record<string, string> {
  const { npm = {} } = lock as { npm?: Record<string, unknown> };
  const entries = Object.keys(npm).sort().map((key) => {
    // A scope begins with an @; after a _ come the versions of peers.
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
    if (name === undefined || version === undefined) {
      throw new SyntaxError(
        `Cannot build: deno.lock has the package "${key}", wanted name@version`,
      );
    }
    return [name, version] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * Writes facts as the text of `build.json`.
 *
 * @param facts The facts.
 * @returns The text: the same for the same facts.
 */
export function buildJson(facts: BuildFacts): string {
  return `${JSON.stringify(facts, null, 2)}\n`;
}

/**
 * Makes the facts of a build from the project's folder.
 *
 * @param root The project's folder.
 * @param options How the program is packed, and what for.
 * @returns The facts, with the version of the Deno that runs this.
 * @throws {Error} If `deno.json` or `deno.lock` cannot be read.
 */
export async function readBuildFacts(
  root: string,
  options: Pick<BuildFactsOptions, "form" | "target">,
): Promise<BuildFacts> {
  return buildFacts({
    ...options,
    deno: Deno.version.deno,
    config: await readJson(join(root, "deno.json")),
    lock: await readJson(join(root, "deno.lock")),
    revision: await readRevision(root),
  });
}

/**
 * Finds which features of Deno the program has to be started with.
 *
 * @param root The project's folder.
 * @returns Their names, as `deno.json` and flags (`--unstable-<name>`) have them.
 */
export async function unstableFeatures(root: string): Promise<string[]> {
  const { unstable = [] } = await readJson(join(root, "deno.json")) as {
    unstable?: string[];
  };
  return unstable;
}

/**
 * Asks git about sources.
 *
 * @param root The project's folder.
 * @returns What it says; `null` without git, without a commit, or if the
 * repository is not of this folder but of one above.
 */
export async function readRevision(root: string): Promise<Revision | null> {
  const head = await git(root, ["rev-parse", "--show-prefix", "HEAD"]);
  const [, commit] = head === null ? [] : /^\n([0-9a-f]+)\n$/.exec(head) ?? [];
  if (commit === undefined) return null;
  const changes = await git(root, ["status", "--porcelain", "--", ...SOURCES]);
  return changes === null ? null : { commit, isDirty: changes !== "" };
}

async function git(root: string, args: string[]): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      // So that it does not write to the index beside other programs.
      args: ["--no-optional-locks", ...args],
      cwd: root,
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null; // there is no git
    throw error;
  }
}
