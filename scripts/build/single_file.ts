// deno-lint-ignore-file no-console
/**
 * Makes one executable of the program, Deno and the bundled model, offline:
 *
 *     deno task single-file
 *     deno task single-file --target aarch64-apple-darwin --output moeno
 *
 * `--xz` makes it a fifth smaller, for machines that have xz.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { dirname, fromFileUrl, join } from "@std/path";
import { formatByteLength } from "../../src/io/byte_length.ts";
import { BUILD_FACTS_FILE } from "../../src/program/build_facts.ts";
import type { Compression } from "./archive.ts";
import {
  buildJson,
  LICENSES,
  readBuildFacts,
  unstableFeatures,
} from "./build_facts.ts";
import { bundleProgram } from "./bundle.ts";
import { copyDeno, platformOf } from "./deno_binary.ts";
import { runMain } from "./run_main.ts";
import { writeSelfExtractor } from "./self_extractor.ts";
import { copy } from "./stage.ts";

/** What to build. */
export interface SingleFileOptions {
  /** The project's folder. */
  readonly root: string;
  /** For what; one of `TARGETS`. */
  readonly target: string;
  /** The executable. */
  readonly output: string;
  /** How the archive in it is made smaller. */
  readonly compression: Compression;
}

/**
 * Builds the executable.
 *
 * @param options What to build.
 * @throws {Error} If something that it is made of cannot be had.
 */
export async function buildSingleFile(
  { root, target, output, compression }: SingleFileOptions,
): Promise<void> {
  const { machines } = platformOf(target);
  const facts = await readBuildFacts(root, { form: "single-file", target });
  const features = await unstableFeatures(root);
  const folder = await Deno.makeTempDir({ prefix: "moeno-single-file-" });
  try {
    await bundleProgram(root, folder);
    await copyDeno(target, join(folder, "deno"));
    for (const path of [`models/${facts.model}`, ...LICENSES]) {
      await copy(join(root, path), join(folder, path));
    }
    await Deno.writeTextFile(join(folder, BUILD_FACTS_FILE), buildJson(facts));
    await Deno.mkdir(dirname(output), { recursive: true });
    await writeSelfExtractor(folder, output, {
      version: facts.version,
      target,
      machines,
      flags: features.map((name) => `--unstable-${name}`),
      compression,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Names the executable.
 *
 * @param version The program's version.
 * @param target For what it is.
 * @returns A name without a folder.
 */
export function singleFileName(version: string, target: string): string {
  return `moeno-${version}-${target}.run`;
}

/** Where the executable goes, unless that is given. */
async function defaultOutput(root: string, target: string): Promise<string> {
  const options = { form: "single-file", target } as const;
  const { version } = await readBuildFacts(root, options);
  return join(root, "dist", singleFileName(version, target));
}

async function main(args: readonly string[]): Promise<void> {
  const root = fromFileUrl(new URL("../..", import.meta.url));
  const { _: rest, ...flags } = parseArgs(args, {
    string: ["target", "output"],
    boolean: ["xz"],
    unknown: (arg: string) => {
      throw new Error(
        `Cannot build: there is no ${arg}, wanted --target, --output or --xz`,
      );
    },
  });
  if (rest.length > 0) throw new Error(`Cannot build: unknown ${rest[0]}`);
  const target = flags.target as string | undefined ?? Deno.build.target;
  platformOf(target);
  const output = flags.output as string | undefined ??
    await defaultOutput(root, target);
  const compression = flags.xz ? "xz" : "gzip";
  await buildSingleFile({ root, target, output, compression });
  const { size } = await Deno.stat(output);
  console.log(`${output}: ${formatByteLength(size)}`);
}

if (import.meta.main) await runMain(main);
