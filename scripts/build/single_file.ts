/**
 * Makes one executable of the program, Deno and the bundled model, offline:
 *
 *     deno task single-file
 *     deno task single-file --target aarch64-apple-darwin --output moeno
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { dirname, fromFileUrl, join } from "@std/path";
import { formatByteLength } from "../../src/io/byte_length.ts";
import { BUILD_FACTS_FILE } from "../../src/program/build_facts.ts";
import type { Compression } from "./archive.ts";
import { buildJson, readBuildFacts } from "./build_facts.ts";
import { bundleProgram } from "./bundle.ts";
import { copyDeno, platformOf } from "./deno_binary.ts";
import { writeSelfExtractor } from "./self_extractor.ts";

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
  const folder = await Deno.makeTempDir({ prefix: "moeno-single-file-" });
  try {
    await bundleProgram(root, folder);
    await copyDeno(target, join(folder, "deno"));
    await copyFolder(
      join(root, "models", facts.model),
      join(folder, "models", facts.model),
    );
    await Deno.copyFile(join(root, "LICENSE"), join(folder, "LICENSE"));
    await Deno.writeTextFile(join(folder, BUILD_FACTS_FILE), buildJson(facts));
    await Deno.mkdir(dirname(output), { recursive: true });
    await writeSelfExtractor(folder, output, {
      version: facts.version,
      target,
      machines,
      flags: await unstableFlags(root),
      compression,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The flags of Deno that stand for what `deno.json` asks for. */
async function unstableFlags(root: string): Promise<string[]> {
  const text = await Deno.readTextFile(join(root, "deno.json"));
  const { unstable = [] } = JSON.parse(text) as { unstable?: string[] };
  return unstable.map((name) => `--unstable-${name}`);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** The name of the executable, unless it is given. */
async function defaultOutput(root: string, target: string): Promise<string> {
  const { version } = await readBuildFacts(root, {
    form: "single-file",
    target,
  });
  return join(root, "dist", `moeno-${version}-${target}.run`);
}

if (import.meta.main) {
  const root = fromFileUrl(new URL("../..", import.meta.url));
  const args = parseArgs(Deno.args, {
    string: ["target", "output"],
    boolean: ["xz"],
    default: { target: Deno.build.target },
  });
  const target = args.target as string;
  const output = args.output as string | undefined ??
    await defaultOutput(root, target);
  const compression = args.xz ? "xz" : "gzip";
  await buildSingleFile({ root, target, output, compression });
  const { size } = await Deno.stat(output);
  // deno-lint-ignore no-console
  console.log(`${output}: ${formatByteLength(size)}`);
}
