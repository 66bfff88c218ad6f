/**
 * The program as one executable, by `deno compile`.
 *
 * @module
 */
import { dirname, resolve } from "@std/path";
import { fileError } from "../../src/io/file_error.ts";
import {
  BUILD_FACTS_FILE,
  type BuildFacts,
} from "../../src/program/build_facts.ts";
import { buildJson, readBuildFacts, unstableFeatures } from "./build_facts.ts";
import { APP_NAME, findFaults } from "./check_embedded.ts";
import { compileFailure } from "./compile_failure.ts";
import {
  type CompileTarget,
  EXECUTABLE_HEAD_BYTE_LENGTH,
  executableTarget,
} from "./compile_targets.ts";
import { readEmbedded } from "./embedded_files.ts";
import { ENTRY, type ProgramFiles } from "./program_files.ts";
import { type Stage, writeStaged } from "./stage.ts";
import { tryToStart } from "./try_to_start.ts";

/** What to compile. */
export interface CompileOptions {
  /** A copy of the sources, which nobody else compiles meanwhile. */
  readonly stage: Stage;
  /** The files of the program, as the sources say. */
  readonly files: ProgramFiles;
  /** For what. */
  readonly target: CompileTarget;
  /** The executable to make. */
  readonly output: string;
  /**
   * Deno's runtime `denort` for the target.
   *
   * @default {undefined} What Deno has in its cache, or downloads.
   */
  readonly denort?: string | undefined;
  /**
   * Whether this is to find out what Deno puts into the program, no more: types
   * are not checked, and `denort` may be Deno itself, which runs no program.
   *
   * @default {false}
   */
  readonly isTrial?: boolean;
  /** Files to leave out all the same, to see that it is noticed. */
  readonly leaveOut?: readonly string[];
}

/** What came out. */
export interface Compiled {
  /** The bytes of the executable. */
  readonly byteLength: number;
  /** How many files lie in it. */
  readonly fileCount: number;
}

/**
 * Compiles the program and looks into what came out: the output appears only if
 * every file of the program is in it and, on a machine that it is for, it starts.
 *
 * @param options What to compile.
 * @returns What came out.
 * @throws {Error} If it cannot be compiled, or something is wrong with it.
 */
export async function compileProgram(
  options: CompileOptions,
): Promise<Compiled> {
  const { stage, target, denort, isTrial = false } = options;
  const output = resolve(options.output);
  if (denort !== undefined) await checkRuntime(denort, target);
  const facts = await readBuildFacts(stage.root, { form: "compiled", target });
  await writeStaged(stage, BUILD_FACTS_FILE, buildJson(facts));
  await Deno.mkdir(dirname(output), { recursive: true });
  // Deno appends .exe to names for Windows that have none.
  const part = `${output}.part${target.includes("windows") ? ".exe" : ""}`;
  try {
    await runDeno(part, options);
    const compiled = await checkProgram(part, facts, options);
    if (target === Deno.build.target && !isTrial) {
      await tryToStart(part, target);
    }
    await Deno.rename(part, output);
    return compiled;
  } catch (error) {
    await Deno.remove(part).catch(() => {}); // it may never have been there
    throw error;
  }
}

/** Checks what Deno would read without a word of where it comes from. */
async function checkRuntime(path: string, target: string): Promise<void> {
  const head = new Uint8Array(EXECUTABLE_HEAD_BYTE_LENGTH);
  try {
    using file = await Deno.open(path);
    await file.read(head);
  } catch (error) {
    const { message } = fileError(`read denort ${path}`, error);
    throw new Error(`Cannot compile for ${target}: ${message}`);
  }
  const found = executableTarget(head);
  if (found === target) return;
  throw new Error(
    `Cannot compile for ${target}: ${path} is ${
      found === null ? "no executable" : `for ${found}`
    }, wanted Deno's runtime denort for ${target}`,
  );
}

async function runDeno(
  output: string,
  { stage, files, target, denort, isTrial, leaveOut = [] }: CompileOptions,
): Promise<void> {
  const included = [...files.workers, ...files.data, BUILD_FACTS_FILE];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--quiet",
      "--allow-all",
      // The cache would lie where all users of a machine may write, and what V8
      // reads from it runs unchecked.
      "--no-code-cache",
      ...isTrial ? ["--no-check"] : [],
      `--app-name=${APP_NAME}`,
      `--target=${target}`,
      ...included.filter((path) => !leaveOut.includes(path))
        .map((path) => `--include=${path}`),
      ...leaveOut.map((path) => `--exclude=${path}`),
      `--output=${output}`,
      ENTRY,
    ],
    cwd: stage.folder,
    env: {
      NO_COLOR: "1",
      DENO_DIR: stage.denoFolder,
      ...denort !== undefined && { DENORT_BIN: resolve(denort) },
    },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw compileFailure(target, new TextDecoder().decode(stderr));
}

async function checkProgram(
  path: string,
  facts: BuildFacts,
  { stage: { root }, files, target }: CompileOptions,
): Promise<Compiled> {
  const program = await Deno.readFile(path);
  const embedded = readEmbedded(program);
  const features = await unstableFeatures(root);
  const wanted = { root, files, facts, features };
  const faults = await findFaults(embedded, wanted);
  const found = executableTarget(program);
  if (found !== target) faults.push(`it is for ${found ?? "no machine"}`);
  if (faults.length > 0) {
    throw new Error(
      `Cannot compile for ${target}: in what came out ${faults.join(", ")}`,
    );
  }
  return { byteLength: program.byteLength, fileCount: embedded.files.size };
}
