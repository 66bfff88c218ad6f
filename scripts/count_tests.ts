// deno-lint-ignore-file no-console
/**
 * Prints how much is tested: sizes of code and tests, and, given the file that
 * `MOENO_COUNTS` named while tests ran, what they tried and broke.
 *
 *     deno task test:count
 *     MOENO_COUNTS=counts.jsonl deno task test && deno task test:count counts.jsonl
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";
import { alignedTable } from "../src/cli/table.ts";
import { filesUnder } from "./files_under.ts";

/** What is counted while tests run, as `tests/_counts.ts` writes it. */
const COUNTED = ["cases tried", "faults injected", "recoveries"] as const;

/** A line of the file of counts. */
interface CountLine {
  readonly area: string;
  readonly what: typeof COUNTED[number];
  readonly number: number;
}

/**
 * Adds up what was counted.
 *
 * @param text Lines of JSON.
 * @returns Rows of a table, with its head, one for each area, and their sum.
 */
export function countRows(text: string): string[][] {
  const areas = new Map<string, Map<string, number>>();
  for (const line of text.split("\n").filter(Boolean)) {
    const { area, what, number } = JSON.parse(line) as CountLine;
    for (const name of [area, "all"]) {
      const counts = areas.get(name) ?? new Map<string, number>();
      areas.set(name, counts.set(what, (counts.get(what) ?? 0) + number));
    }
  }
  const names = [...areas.keys()].filter((name) => name !== "all").sort();
  return [
    ["area", ...COUNTED],
    ...[...names, "all"].map((name) => [
      name,
      ...COUNTED.map((what) => shown(areas.get(name)?.get(what) ?? 0)),
    ]),
  ];
}

/** Files of code, and what is in them. */
interface Sizes {
  files: number;
  lines: number;
  tests: number;
  assertions: number;
}

/** Counts what is in files of code below folders. */
async function sizesOf(
  root: string,
  folders: readonly string[],
  isTaken: (path: string) => boolean,
): Promise<Sizes> {
  const sizes: Sizes = { files: 0, lines: 0, tests: 0, assertions: 0 };
  for (const folder of folders) {
    for (const path of await filesUnder(join(root, folder))) {
      if (!isTaken(path)) continue;
      const text = await Deno.readTextFile(join(root, folder, path));
      sizes.files++;
      sizes.lines += text.split("\n").length - 1;
      sizes.tests += text.match(/\bDeno\.test\(|\bt\.step\(/g)?.length ?? 0;
      sizes.assertions += text.match(/\bassert\w*\(/g)?.length ?? 0;
    }
  }
  return sizes;
}

/** Rows of a table: how large code and tests are. */
async function sizeRows(root: string): Promise<string[][]> {
  const isCode = (path: string) => /\.(ts|js|wgsl)$/.test(path);
  const isTest = (path: string) =>
    /_test\.ts$/.test(path) || /(^|\/)_[^/]*\.ts$/.test(path);
  const code = await sizesOf(
    root,
    ["src", "kernels"],
    (path) => isCode(path) && !isTest(path),
  );
  const beside = await sizesOf(root, ["src", "scripts"], isTest);
  const apart = await sizesOf(root, ["tests"], isCode);
  const row = (name: string, { files, lines, tests, assertions }: Sizes) => [
    name,
    shown(files),
    shown(lines),
    shown(tests),
    shown(assertions),
  ];
  const none = ["", ""];
  return [
    ["", "files", "lines", "tests written", "assertions written"],
    [...row("program and kernels", code).slice(0, 3), ...none],
    row("tests beside the code", beside),
    row("tests of the whole", apart),
  ];
}

function shown(number: number): string {
  return number.toLocaleString("en");
}

if (import.meta.main) {
  const [path] = Deno.args;
  const root = fromFileUrl(new URL("..", import.meta.url));
  const tables = path === undefined
    ? [await sizeRows(root)]
    : [await sizeRows(root), countRows(await Deno.readTextFile(path))];
  for (const rows of tables) {
    for (const line of alignedTable(rows, { left: [0] })) console.log(line);
    console.log();
  }
}
