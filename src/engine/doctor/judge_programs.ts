/** What versions and variables mean. */

import { type Finding, note, ok, problem } from "./check.ts";
import type { ProgramFiles } from "./check_program_files.ts";

/** Versions of the programs below. */
export interface Versions {
  /** Of this project. */
  readonly moeno: string;
  /** Of Deno. */
  readonly deno: string;
  /** Of V8. */
  readonly v8: string;
  /** The system, its release and the processor. */
  readonly system: string;
}

/** The version of Deno that tests run with. */
const TESTED_DENO = [2, 9, 6] as const;

/**
 * Judges versions. Deno below 2.9 has another WebGPU.
 *
 * @param versions The versions.
 * @returns What they mean.
 */
export function judgeVersions(versions: Versions): Finding {
  const { moeno, deno, v8, system } = versions;
  const text = `moeno ${moeno}, Deno ${deno}, V8 ${v8}, ${system}`;
  const tested = TESTED_DENO.join(".");
  const [major = 0, minor = 0, patch = 0] = deno.split(/[.+-]/).map(Number);
  const [wantedMajor, wantedMinor, wantedPatch] = TESTED_DENO;
  const isOld = major < wantedMajor ||
    (major === wantedMajor && minor < wantedMinor);
  if (isOld) {
    return problem(
      `${text}: this Deno is too old, wanted ${tested}`,
      `deno upgrade ${tested}`,
    );
  }
  const isTested = major === wantedMajor && minor === wantedMinor &&
    patch === wantedPatch;
  if (isTested) return ok(text);
  return note(
    `${text}: tested with Deno ${tested} only`,
    `if something fails: deno upgrade ${tested}`,
  );
}

/**
 * Judges the program's own files.
 *
 * @param files What became of them.
 * @returns What that means.
 */
export function judgeProgramFiles(
  { folder, fileCount, damaged }: ProgramFiles,
): Finding {
  if (folder === null) return ok("all of it is here");
  if (damaged.length === 0) {
    return ok(`${fileCount} files in ${folder}, as they were built`);
  }
  return problem(
    `${damaged.join(", ")} in ${folder}: not as they were built`,
    `remove ${folder}; the next start unpacks it again`,
  );
}

/** Variables that say something, by their names. */
export type Variables = Readonly<Record<string, string>>;

/** Names whose values are nobody's business. */
const SECRET = /TOKEN|KEY|SECRET|PASSWORD/;

/** How Deno's backends for WebGPU are called. */
const BACKENDS = ["vulkan", "metal", "dx12"];

/**
 * Picks the variables that matter here, without secrets.
 *
 * @param all All variables.
 * @returns Ours, and those of the GPU's libraries.
 */
export function variablesThatMatter(all: Variables): Variables {
  const names = /^(MOENO_.*|DENO_WEBGPU_.*|VK_.*|XDG_RUNTIME_DIR|HF_.*)$/;
  return Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => names.test(name))
      .map(([name, value]) => [
        name,
        SECRET.test(name) ? "(hidden)" : value.replace(/\/\/[^/@]*@/g, "//…@"),
      ])
      .sort(([a], [b]) => a! < b! ? -1 : 1),
  );
}

/**
 * Picks the names of variables that may hide adapters.
 *
 * @param all All variables.
 * @returns The names of those that are set.
 */
export function variablesThatLimit(all: Variables): string[] {
  return ["DENO_WEBGPU_BACKEND", "VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
    .filter((name) => all[name] !== undefined);
}

/**
 * Judges variables.
 *
 * @param variables Those that matter.
 * @returns What they mean.
 */
export function judgeVariables(variables: Variables): Finding {
  const texts = Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`);
  const text = texts.length === 0
    ? "none of MOENO_*, DENO_WEBGPU_BACKEND, VK_* is set"
    : texts.join(" ");
  const backend = variables.DENO_WEBGPU_BACKEND;
  const isOther = backend !== undefined &&
    !backend.split(",").some((name) => BACKENDS.includes(name.trim()));
  return isOther
    ? problem(
      `${text}: DENO_WEBGPU_BACKEND has none of ${BACKENDS.join(", ")}`,
      "unset it, or set it to vulkan (Linux, Windows), metal (macOS) or dx12 (Windows)",
    )
    : ok(text);
}
