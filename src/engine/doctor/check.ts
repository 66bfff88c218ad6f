/** What a check is, and what it finds. */

import type { Environment } from "../../io/home.ts";
import type { OpenedGpu } from "../open_gpu.ts";

/**
 * How a thing is: `"ok"`; `"note"`, which works but could be better or is worth
 * knowing; `"problem"`, which keeps models from running.
 */
export type Verdict = "ok" | "note" | "problem";

/** What was found out about a thing. */
export interface Finding {
  /** How it is. */
  readonly verdict: Verdict;
  /** What it is, in a line. */
  readonly text: string;
  /** How to mend it; none if there is nothing to mend. */
  readonly remedy?: string | undefined;
}

/** What checks work with. */
export interface Patient {
  /** The GPU; `null` if it does not open. */
  readonly opened: OpenedGpu | null;
  /** Why it does not open; `null` if it does. */
  readonly failure: string | null;
  /** The system and its variables. */
  readonly environment: Environment;
  /** All variables, as they were before the GPU was opened, which sets some. */
  readonly variables: Readonly<Record<string, string>>;
  /** The directory of a small model whose answer is known; `null` without one. */
  readonly model: string | null;
}

/** One thing that is looked at: what it is called, and how it is found out. */
export interface Check {
  /** What it is called. */
  readonly name: string;
  /** Measures and judges; throws if it cannot be measured. */
  readonly run: (patient: Patient) => Promise<Examined>;
}

/** What was measured, and what it means. */
export interface Examined {
  /** What was measured, for programs. */
  readonly value: unknown;
  /** What it means; several where several things are worth a line. */
  readonly findings: readonly Finding[];
}

/**
 * Makes a check of its halves: what touches the machine, and what judges.
 *
 * @param name What it is called.
 * @param measure Finds out what is.
 * @param judge Says what that means; pure.
 * @returns The check.
 */
export function checkOf<T>(
  name: string,
  measure: (patient: Patient) => T | Promise<T>,
  judge: (value: T) => Finding | readonly Finding[],
): Check {
  return {
    name,
    async run(patient) {
      const value = await measure(patient);
      return { value, findings: [judge(value)].flat() };
    },
  };
}

/** Something that works. */
export function ok(text: string): Finding {
  return { verdict: "ok", text };
}

/** Something that works, but is worth a word. */
export function note(text: string, remedy?: string): Finding {
  return { verdict: "note", text, remedy };
}

/** Something that does not work. */
export function problem(text: string, remedy?: string): Finding {
  return { verdict: "problem", text, remedy };
}
