/** What is wrong with a machine, and how to mend it. */

import { type Environment, PROCESS_ENVIRONMENT } from "../../io/home.ts";
import { type OpenedGpu, openGpu } from "../open_gpu.ts";
import type { Check, Finding, Patient, Verdict } from "./check.ts";
import { ADAPTER_CHECK, GPU_CHECKS, HOST_CHECKS } from "./checks.ts";

/** Options for {@linkcode doctor}. */
export interface DoctorOptions {
  /**
   * The directory of the bundled model `stories-17m-q`, for a test of the whole.
   *
   * @default {undefined} no such test
   */
  readonly model?: string | undefined;
  /** What says where folders are, if not this process. */
  readonly environment?: Environment | undefined;
  /** Hears what is about to be looked at. */
  readonly onProgress?: ((name: string) => void) | undefined;
  /** Stops before the next check when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** What a check came to. */
export interface Diagnosis {
  /** What was looked at. */
  readonly name: string;
  /** How it is: the worst of its findings. */
  readonly verdict: Verdict;
  /** What was found, a line each. */
  readonly findings: readonly Finding[];
  /** What was measured, for programs; `null` if that failed. */
  readonly value: unknown;
}

/**
 * Looks at the machine: versions, memory, folders, the GPU with what it grants
 * and how fast it is, and whether a small model says what it should. What is wrong
 * does not stop the rest; what needs a GPU is left out where there is none.
 *
 * @param options What to test with, and who wants to hear of it.
 * @returns Diagnoses, as they are made.
 *
 * @example
 * ```ts
 * import { doctor } from "../../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * for await (const { name, verdict, findings } of doctor()) {
 *   assert(name !== "adapter" || verdict !== "problem", findings[0]!.text);
 * }
 * ```
 */
export async function* doctor(
  options: DoctorOptions = {},
): AsyncGenerator<Diagnosis, void> {
  const { environment = PROCESS_ENVIRONMENT, signal } = options;
  const variables = await readVariables();
  options.onProgress?.("GPU");
  using gpu = await tryToOpen(environment);
  const patient: Patient = {
    opened: gpu.opened,
    failure: gpu.failure,
    environment,
    variables,
    model: options.model ?? null,
  };
  const checks = [
    ...HOST_CHECKS,
    ADAPTER_CHECK,
    ...gpu.opened === null ? [] : GPU_CHECKS,
  ];
  for (const check of checks) {
    if (signal?.aborted) return;
    options.onProgress?.(check.name);
    yield await examine(check, patient);
  }
}

/**
 * Makes a check. It never fails: what cannot be found out is a finding.
 *
 * @param check The check.
 * @param patient What it works with.
 * @returns What it came to.
 */
export async function examine(
  { name, run }: Check,
  patient: Patient,
): Promise<Diagnosis> {
  try {
    const { value, findings } = await run(patient);
    return { name, verdict: worstOf(findings), findings, value };
  } catch (error) {
    const text = (error as Error).message;
    // A model that does not load is what all of this is about.
    const finding: Finding = name === "self-test"
      ? { verdict: "problem", text: `the bundled model does not run: ${text}` }
      : { verdict: "note", text: `it could not be found out: ${text}` };
    return { name, verdict: finding.verdict, findings: [finding], value: null };
  }
}

function worstOf(findings: readonly Finding[]): Verdict {
  const verdicts = findings.map(({ verdict }) => verdict);
  return verdicts.includes("problem")
    ? "problem"
    : verdicts.includes("note")
    ? "note"
    : "ok";
}

/** All variables, if they may be read. It never asks. */
async function readVariables(): Promise<Record<string, string>> {
  const { state } = await Deno.permissions.query({ name: "env" });
  return state === "granted" ? Deno.env.toObject() : {};
}

/** Opens the GPU with its tuning, if there is one. */
async function tryToOpen(environment: Environment): Promise<
  & { opened: OpenedGpu | null; failure: string | null }
  & Disposable
> {
  try {
    const opened = await openGpu("auto", environment);
    return {
      opened,
      failure: null,
      [Symbol.dispose]: () => opened.gpu[Symbol.dispose](),
    };
  } catch (error) {
    const failure = (error as Error).message;
    return { opened: null, failure, [Symbol.dispose]: () => {} };
  }
}
