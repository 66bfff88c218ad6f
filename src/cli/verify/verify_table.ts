import type { VerifyRow } from "../../engine/verify_row.ts";
import { counted } from "../../io/counted.ts";
import { alignedTable } from "../table.ts";

/** What the first column calls a comparison. */
const CHECKS: Readonly<Record<VerifyRow["check"], string>> = {
  seed: "same seed",
  cache: "experts",
  reference: "GPU = plain",
  prefill: "prefill = decode",
};

/**
 * Writes rows as a table for a terminal, with what there is to say of them below.
 *
 * @param rows The rows.
 * @returns Lines, each with its line break.
 */
export function verifyTable(rows: readonly VerifyRow[]): string {
  const cells = rows.map((row) => [
    CHECKS[row.check],
    row.what,
    row.against,
    row.verdict === "skipped" && row.rowCount === 0 ? "-" : comparedText(row),
    verdictText(row),
  ]);
  const head = ["check", "what", "compared with", "how much", "verdict"];
  const table = alignedTable([head, ...cells], { left: [0, 1, 2, 3, 4] });
  const notes = rows.flatMap((row) =>
    row.notes.map((note) => `${CHECKS[row.check]}, ${row.what}: ${note}`)
  );
  return [...table, ...notes].join("\n") + "\n";
}

/**
 * Says how a comparison came out.
 *
 * @param row The comparison.
 * @returns Such as `within rounding (5.1e-6 of 1.2e-4)`.
 */
export function verdictText(
  { verdict, difference, tolerance }: VerifyRow,
): string {
  const amount = difference === null ? "" : difference.toExponential(1);
  switch (verdict) {
    case "same":
      return "same to the bit";
    case "rounding":
      return `within rounding (${amount} of ${tolerance.toExponential(1)})`;
    case "different":
      return tolerance === 0
        ? `DIFFERENT (by ${amount})`
        : `DIFFERENT (${amount} of ${tolerance.toExponential(1)})`;
    case "skipped":
      return difference === null ? "skipped" : `not judged (${amount})`;
  }
}

function comparedText({ idCount, rowCount, tolerance }: VerifyRow): string {
  const positions = counted(rowCount, "position");
  if (tolerance > 0) return positions;
  return `${counted(idCount, "token")}, logits of ${positions}`;
}
