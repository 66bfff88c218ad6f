/**
 * The files that a compiled program needs, found from the sources alone.
 *
 * @module
 */
import { fromFileUrl, join, toFileUrl } from "@std/path";
import { filesUnder } from "../files_under.ts";
import { LICENSES, MODEL } from "./build_facts.ts";
import { denoOutput } from "./deno_output.ts";

/** The entry point, below the project's folder. */
export const ENTRY = "mod.ts";

/** Files of the program: paths below the project's folder, with slashes. */
export interface ProgramFiles {
  /** Modules, kernels and the page: what is imported, now or later; sorted. */
  readonly modules: readonly string[];
  /** Those of the modules that a Worker begins with: nobody imports them. */
  readonly workers: readonly string[];
  /** Files that are read by their names: the bundled model, the licenses. */
  readonly data: readonly string[];
}

/** The part of `deno info --json` that we read. */
interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string; readonly error?: string };
    }[];
  }[];
}

/**
 * Finds the files of the program: what the entry point imports, what its Workers
 * begin with and import, and what is read by its name.
 *
 * @param root The project's folder.
 * @returns The files.
 * @throws {Error} If one of them is not there, or a Worker's module is not named
 * in a way that we find.
 */
export async function programFiles(root: string): Promise<ProgramFiles> {
  const modules = new Set<string>();
  const workers = new Set<string>();
  const entries = [ENTRY];
  for (const entry of entries) { // grows on the way
    for (const path of await importsOf(root, entry)) {
      if (modules.has(path)) continue;
      modules.add(path);
      if (!path.endsWith(".ts")) continue;
      const text = await Deno.readTextFile(join(root, path));
      for (const worker of workersIn(text, path)) {
        if (workers.has(worker)) continue;
        workers.add(worker);
        entries.push(worker);
      }
    }
  }
  return {
    modules: [...modules].sort(),
    workers: [...workers].sort(),
    data: [...LICENSES, ...await filesIn(root, `models/${MODEL}`)],
  };
}

/** Finds what a module imports, with what these import; types are left out. */
async function importsOf(root: string, entry: string): Promise<string[]> {
  const { modules } = await graphOf(root, entry);
  const found = new Map(modules.map((module) => [module.specifier, module]));
  const base = toFileUrl(join(root, "/")).href;
  const reached = new Set([toFileUrl(join(root, entry)).href]);
  const paths: string[] = [];
  for (const specifier of reached) { // grows on the way
    if (/^(npm|node):/.test(specifier)) continue;
    const module = found.get(specifier);
    if (!specifier.startsWith(base) || module === undefined || module.error) {
      throw new Error(
        `Cannot build ${entry}: it imports ${specifier}, ` +
          `wanted files of the project and packages`,
      );
    }
    paths.push(pathBelow(base, specifier));
    for (const { code } of module.dependencies ?? []) {
      if (code?.error !== undefined) {
        throw new Error(`Cannot build ${entry}: ${code.error}`);
      }
      if (code?.specifier !== undefined) reached.add(code.specifier);
    }
  }
  return paths;
}

function pathBelow(base: string, specifier: string): string {
  return fromFileUrl(specifier).slice(fromFileUrl(base).length)
    .replaceAll("\\", "/");
}

async function graphOf(root: string, entry: string): Promise<Graph> {
  return JSON.parse(await denoOutput(root, ["info", "--json", entry]));
}

/** How a Worker's module is named, so that it is found. */
const WORKER =
  /new Worker\(\s*new URL\(\s*"\.\/([^"/]+)",\s*import\.meta\.url\s*,?\s*\)/g;

/**
 * Finds the modules that Workers begin with.
 *
 * @param text A module that may start Workers.
 * @param path Where it lies.
 * @returns The paths of the Workers' modules, which lie beside it.
 * @throws {Error} If it starts a Worker whose module is not named there.
 */
export function workersIn(text: string, path: string): string[] {
  const names = [...text.matchAll(WORKER)].map(([, name]) => name!);
  const startCount = text.match(/\bnew Worker\(/g)?.length ?? 0;
  if (names.length !== startCount) {
    throw new Error(
      `Cannot build ${path}: it starts ${startCount} Workers and names ` +
        `${names.length} modules, wanted each as ` +
        'new Worker(new URL("./name.ts", import.meta.url), ...)',
    );
  }
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return names.map((name) => folder + name);
}

/** The files of a folder by their paths in the project. */
async function filesIn(root: string, folder: string): Promise<string[]> {
  const paths = await filesUnder(join(root, folder));
  return paths.map((path) => `${folder}/${path}`);
}
