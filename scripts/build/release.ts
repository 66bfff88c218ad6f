// deno-lint-ignore-file no-console
/**
 * Builds all files of a release and their hashes:
 *
 *     deno task release
 *     deno task release --denort <folder>
 *
 * Deno downloads its runtime for each target, unless a folder has them unpacked, as
 * `denort-<target>`, with `.exe` for Windows. What fails is told at the end, when
 * everything else is there.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { fromFileUrl, join } from "@std/path";
import { SUMS_FILE } from "../../src/program/build_facts.ts";
import { type Artifact, buildArtifacts, resultLines } from "./artifacts.ts";
import { readBuildFacts } from "./build_facts.ts";
import { compileProgram } from "./compile_program.ts";
import {
  COMPILE_TARGETS,
  compiledName,
  type CompileTarget,
  withExtension,
} from "./compile_targets.ts";
import { TARGETS } from "./deno_binary.ts";
import { type ProgramFiles, programFiles } from "./program_files.ts";
import { runMain } from "./run_main.ts";
import { buildSingleFile, singleFileName } from "./single_file.ts";
import { type Stage, stageSources } from "./stage.ts";

/** Builds what the command line asks for; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const root = fromFileUrl(new URL("../..", import.meta.url));
  const { denort, output } = parse(args);
  const { version, commit, isDirty } = await readBuildFacts(root, {
    form: "compiled",
    target: Deno.build.target,
  });
  if (isDirty) {
    console.error(
      `note: sources differ from commit ${commit}, and files say so`,
    );
  }
  const folder = output ?? join(root, "dist");
  const files = await programFiles(root);
  await using stage = await stageSources(root);
  const results = await buildArtifacts(
    [
      ...compiledPrograms(version, { stage, files, denort }),
      ...singleFiles(version, root),
    ],
    folder,
    (name) => console.error(`Building ${name} ...`),
  );
  for (const line of resultLines(results)) console.log(line);
  console.log(`${join(folder, SUMS_FILE)} has these hashes`);
  return results.some((result) => "failure" in result) ? 1 : 0;
}

function parse(args: readonly string[]) {
  const { denort, output } = parseArgs(args, {
    string: ["denort", "output"],
    unknown: (arg: string) => {
      throw new Error(
        `Cannot release: there is no ${arg}, wanted --denort or --output`,
      );
    },
  });
  if (denort === undefined && Deno.env.get("DENORT_BIN")) {
    throw new Error(
      "Cannot release: DENORT_BIN names one runtime, wanted --denort <folder> " +
        "with one for each target",
    );
  }
  return {
    denort: denort as string | undefined,
    output: output as string | undefined,
  };
}

/** Executables that Deno compiles, for all targets. */
function compiledPrograms(
  version: string,
  { stage, files, denort }: {
    stage: Stage;
    files: ProgramFiles;
    denort: string | undefined;
  },
): Artifact[] {
  function runtimeOf(target: CompileTarget): string | undefined {
    if (denort === undefined) return undefined;
    return join(denort, withExtension(`denort-${target}`, target));
  }
  return COMPILE_TARGETS.map((target) => ({
    name: compiledName(version, target),
    build: (output) =>
      compileProgram({
        stage,
        files,
        target,
        output,
        denort: runtimeOf(target),
      }),
  }));
}

/** Executables that unpack themselves, for all targets that have a shell. */
function singleFiles(version: string, root: string): Artifact[] {
  return TARGETS.map((target) => ({
    name: singleFileName(version, target),
    build: (output) =>
      buildSingleFile({ root, target, output, compression: "gzip" }),
  }));
}

if (import.meta.main) await runMain(main);
