import { bold, dim, green, red, yellow } from "@std/fmt/colors";
import type { Verdict } from "../../engine/doctor/check.ts";
import type { Diagnosis } from "../../engine/doctor/doctor.ts";
import { counted } from "../../io/counted.ts";
import { LINE_WIDTH, wrapBeside } from "../wrap.ts";

const VERDICT_WIDTH = "problem".length;
const NAME_WIDTH = "VRAM speed".length;

/** How verdicts look. */
const COLORS: Readonly<Record<Verdict, (text: string) => string>> = {
  ok: green,
  note: yellow,
  problem: (text) => bold(red(text)),
};

/**
 * Writes a diagnosis for people: a line for each finding, and one below it that
 * says how to mend it.
 *
 * @param diagnosis The diagnosis.
 * @returns Lines, each with a line break.
 */
export function diagnosisLines({ name, findings }: Diagnosis): string {
  const indent = " ".repeat(VERDICT_WIDTH + NAME_WIDTH + 4);
  return findings.flatMap(({ verdict, text, remedy }, i) => {
    const shown = COLORS[verdict](verdict.padEnd(VERDICT_WIDTH));
    const label = (i === 0 ? name : "").padEnd(NAME_WIDTH);
    return [
      ...wrapBeside(`${shown}  ${label}  `, text, LINE_WIDTH),
      ...remedy === undefined
        ? []
        : wrapBeside(`${indent}${dim("->")} `, dim(remedy), LINE_WIDTH),
    ];
  }).map((line) => line + "\n").join("");
}

/**
 * Sums diagnoses up.
 *
 * @param diagnoses All of them.
 * @returns A line, with a line break before and after it.
 */
export function summaryLine(diagnoses: readonly Diagnosis[]): string {
  const problems = diagnoses.filter(({ verdict }) => verdict === "problem");
  const names = problems.map(({ name }) => name).join(", ");
  const count = diagnoses.flatMap(({ findings }) => findings)
    .filter(({ verdict }) => verdict === "note").length;
  const notes = counted(count, "note");
  return problems.length === 0
    ? `\nModels run on this machine; ${notes}.\n`
    : `\nModels do not run on this machine yet: ${names}; ${notes}.\n`;
}
