// deno-lint-ignore-file no-console
/**
 * Compiles the program to one executable:
 *
 *     deno task compile
 *     deno task compile --target aarch64-apple-darwin --output moeno
 *     DENORT_BIN=denort deno task compile
 *     deno task compile --check
 *
 * Deno downloads its runtime `denort` for the target, unless it has it, or
 * `DENORT_BIN` names it. `--check` needs neither: it compiles with Deno in place of
 * denort, which gives a file that runs no program, looks whether all files are in
 * it, and removes it.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fromFileUrl, join } from "@std/path";
import { formatByteLength } from "../../src/io/byte_length.ts";
import { readBuildFacts } from "./build_facts.ts";
import { type Compiled, compileProgram } from "./compile_program.ts";
import {
  type CompileTarget,
  compileTarget,
  executableName,
} from "./compile_targets.ts";
import { programFiles } from "./program_files.ts";
import { stageSources } from "./stage.ts";

/** Compiles with Deno itself, into a file that is removed again. */
async function tryToCompile(root: string): Promise<Compiled> {
  const files = await programFiles(root);
  await using stage = await stageSources(root);
  const folder = await Deno.makeTempDir({ prefix: "moeno-compile-" });
  try {
    return await compileProgram({
      stage,
      files,
      target: compileTarget(Deno.build.target),
      output: join(folder, "moeno"),
      denort: Deno.execPath(),
      isTrial: true,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function compile(
  root: string,
  target: CompileTarget,
  output: string,
): Promise<Compiled> {
  const files = await programFiles(root);
  await using stage = await stageSources(root);
  const denort = Deno.env.get("DENORT_BIN") || undefined;
  return await compileProgram({ stage, files, target, output, denort });
}

/**
 * Names the executable for a target.
 *
 * @param root The project's folder.
 * @param target For what it is.
 * @returns Where it goes unless somebody says otherwise.
 */
export async function compiledPath(
  root: string,
  target: CompileTarget,
): Promise<string> {
  const { version } = await readBuildFacts(root, { form: "compiled", target });
  const name = executableName(`moeno-${version}-${target}`, target);
  return join(root, "dist", name);
}

async function main(args: readonly string[]): Promise<void> {
  const root = fromFileUrl(new URL("../..", import.meta.url));
  const { _: rest, ...flags } = parseArgs(args, {
    string: ["target", "output"],
    boolean: ["check"],
    unknown: (arg: string) => {
      throw new Error(
        `Cannot compile: there is no ${arg}, wanted --target, --output or --check`,
      );
    },
  });
  if (rest.length > 0) throw new Error(`Cannot compile: unknown ${rest[0]}`);
  if (flags.check) {
    if (flags.target !== undefined || flags.output !== undefined) {
      throw new Error(
        "Cannot check: --target and --output are of no use, wanted --check alone",
      );
    }
    const { fileCount } = await tryToCompile(root);
    console.log(`${fileCount} files embedded, all found`);
    return;
  }
  const target = compileTarget(flags.target as string ?? Deno.build.target);
  const output = flags.output === undefined
    ? await compiledPath(root, target)
    : executableName(flags.output as string, target);
  const { byteLength, fileCount } = await compile(root, target, output);
  console.log(
    `${output}: ${
      formatByteLength(byteLength)
    }, ${fileCount} files embedded, all found`,
  );
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
