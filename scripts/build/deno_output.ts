/**
 * Runs Deno.
 *
 * @module
 */

/**
 * Runs a command of this Deno.
 *
 * @param cwd Where it runs.
 * @param args The command line.
 * @returns What it wrote to stdout.
 * @throws {Error} If it failed, with what it wrote to stderr.
 */
export async function denoOutput(
  cwd: string,
  args: readonly string[],
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  const words = new TextDecoder().decode(stderr).split(
    "\nStack backtrace:",
  )[0]!;
  throw new Error(`Cannot run deno ${args.join(" ")}: ${words.trim()}`);
}
