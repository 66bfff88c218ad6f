/**
 * Fails when a module under src/ imports from a layer above or beside its own,
 * when a folder under src/ belongs to no layer, or when a file is too long.
 *
 * `deno run -A scripts/check_layers.ts mod.ts`: the folder of the entry point
 * is the project. Tests import what they like.
 *
 * @module
 */

import { dirname, resolve, toFileUrl } from "@std/path";
import { filesUnder } from "./files_under.ts";

/** Folders of src/, lowest layer first. */
const LAYERS = [
  ["gpu", "hqq", "io", "program", "text"],
  ["ops", "offload", "hub"],
  ["model", "analysis"],
  ["engine"],
  ["server"],
  ["cli"],
];

/** The most lines of a file. */
const LINE_LIMITS = [
  { folder: "src", extension: ".ts", lines: 300 },
  { folder: "scripts", extension: ".ts", lines: 300 },
  { folder: "kernels", extension: ".wgsl", lines: 150 },
];

const levelOf = new Map(
  LAYERS.flatMap((names, level) => names.map((name) => [name, level])),
);

/** The part of `deno info --json` that we read. */
interface ModuleInfo {
  specifier: string;
  dependencies?: {
    code?: { specifier?: string };
    type?: { specifier?: string };
  }[];
}

/** Says what is wrong with the imports of the entry point's modules. */
async function checkImports(entry: string): Promise<string[]> {
  const source = `${toFileUrl(dirname(entry))}/src/`;
  function layerOf(specifier = ""): string | undefined {
    if (!specifier.startsWith(source)) return undefined;
    return specifier.slice(source.length).split("/")[0];
  }
  const problems: string[] = [];
  for (const { specifier, dependencies = [] } of await graphOf(entry)) {
    const from = layerOf(specifier);
    if (from === undefined) continue;
    for (const { code, type } of dependencies) {
      const to = layerOf(code?.specifier ?? type?.specifier);
      if (to === undefined || to === from) continue;
      // A folder of no layer is reported on its own.
      if ((levelOf.get(to) ?? -1) < (levelOf.get(from) ?? Infinity)) continue;
      const path = specifier.slice(source.length);
      problems.push(`src/${path} must not import from src/${to}`);
    }
  }
  return problems;
}

async function graphOf(entry: string): Promise<ModuleInfo[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
  }).output();
  if (!success) {
    throw new Error(
      `Cannot read the imports of ${entry}: ${
        new TextDecoder().decode(stderr).trim()
      }`,
    );
  }
  return JSON.parse(new TextDecoder().decode(stdout)).modules;
}

/** Says which entries of src/ belong to no layer. */
function checkFolders(root: string): string[] {
  const problems: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(`${root}/src`)) {
    if (isDirectory && levelOf.has(name)) continue;
    problems.push(`src/${name} belongs to no layer of check_layers.ts`);
  }
  return problems;
}

/** Says which files are too long. */
async function checkLengths(root: string): Promise<string[]> {
  const problems: string[] = [];
  for (const { folder, extension, lines } of LINE_LIMITS) {
    for (const path of await filesUnder(`${root}/${folder}`)) {
      if (!path.endsWith(extension) || path.endsWith("_test.ts")) continue;
      const text = await Deno.readTextFile(`${root}/${folder}/${path}`);
      const count = text.split("\n").length - 1;
      if (count <= lines) continue;
      problems.push(
        `${folder}/${path} has ${count} lines, wanted at most ${lines}`,
      );
    }
  }
  return problems;
}

if (import.meta.main) {
  const entry = resolve(Deno.args[0] ?? "mod.ts");
  const root = dirname(entry);
  const problems = [
    ...await checkImports(entry),
    ...checkFolders(root),
    ...await checkLengths(root),
  ];
  // deno-lint-ignore no-console
  for (const problem of problems) console.error(problem);
  Deno.exit(problems.length > 0 ? 1 : 0);
}
