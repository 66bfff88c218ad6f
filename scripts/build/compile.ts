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
  compiledName,
  type CompileTarget,
  compileTarget,
  withExtension,
} from "./compile_targets.ts";
import { programFiles } from "./program_files.ts";
import { runMain } from "./run_main.ts";
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

async function defaultOutput(
  root: string,
  target: CompileTarget,
): Promise<string> {
  const { version } = await readBuildFacts(root, { form: "compiled", target });
  return join(root, "dist", compiledName(version, target));
}

async function main(args: readonly string[]): Promise<void> {
  const root = fromFileUrl(new URL("../..", import.meta.url));
  const flags = parseArgs(args, {
    string: ["target", "output"],
    boolean: ["check"],
    unknown: (arg: string) => {
      throw new Error(
        `Cannot compile: there is no ${arg}, wanted --target, --output or --check`,
      );
    },
  });
  if (flags.check) {
    if (flags.target !== undefined || flags.output !== undefined) {
      throw new Error(
        "Cannot check: --target and --output are of no use, wanted --check alone",
      );
    }
    console.log(filesLine(await tryToCompile(root)));
    return;
  }
  const target = compileTarget(flags.target as string ?? Deno.build.target);
  const output = flags.output === undefined
    ? await defaultOutput(root, target)
    : withExtension(flags.output as string, target);
  console.error(`Compiling for ${target} ...`);
  const compiled = await compile(root, target, output);
  const size = formatByteLength(compiled.byteLength);
  console.log(`${output}: ${size}, ${filesLine(compiled)}`);
}

function filesLine({ fileCount }: Compiled): string {
  return `${fileCount} files embedded, all found`;
}

if (import.meta.main) await runMain(main);
