/** What tests tried, broke and saw mended: `scripts/test.sh` adds it up. */

/** What is counted. */
export type Counted = "cases tried" | "faults injected" | "recoveries";

/**
 * Adds to the counts of this run of the tests, once for many: a line in the file
 * that `MOENO_COUNTS` names. Without it nothing is counted.
 *
 * @param area What was tested, such as `fuzz safetensors`.
 * @param what What there were.
 * @param number How many.
 */
export function count(area: string, what: Counted, number: number): void {
  const path = Deno.env.get("MOENO_COUNTS");
  if (!path) return;
  // Short lines at the end of a file do not mix, whoever else writes.
  const line = JSON.stringify({ area, what, number }) + "\n";
  Deno.writeTextFileSync(path, line, { append: true });
}
