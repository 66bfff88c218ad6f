/**
 * Runs what a script is for, and ends the process.
 *
 * @param main Takes the command line; returns the exit code, 0 by default. What it
 * throws is told in a sentence, and ends with 1.
 */
export async function runMain(
  main: (args: readonly string[]) => Promise<number | void>,
): Promise<never> {
  try {
    Deno.exit(await main(Deno.args) ?? 0);
  } catch (error) {
    // deno-lint-ignore no-console
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
