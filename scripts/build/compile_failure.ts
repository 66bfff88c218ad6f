/**
 * What Deno says when it cannot compile, in a sentence of ours.
 *
 * @module
 */

/**
 * Makes an error of what `deno compile` wrote.
 *
 * @param target For what it was to compile.
 * @param stderr What it wrote, without colors.
 * @returns The error.
 */
export function compileFailure(target: string, stderr: string): Error {
  const words = stderr.split("\nStack backtrace:")[0]!.trim();
  const causes = [...words.matchAll(/^ +\d+: (.+)$/gm)].map(([, cause]) =>
    cause!
  );
  const setup = causes.findIndex((cause) =>
    cause.startsWith("Setting up base binary")
  );
  if (setup >= 0) {
    const cause = causes[setup + 1] ?? causes[setup]!;
    return new Error(
      `Cannot compile for ${target}: Deno's runtime denort could not be had ` +
        `(${cause}), wanted a network or DENORT_BIN=<file>`,
    );
  }
  // Causes say more than what they led to; errors in types have none.
  const state = causes.length > 0 ? causes.join(": ") : words;
  return new Error(
    `Cannot compile for ${target}: ${state.replace(/^error: /, "")}`,
  );
}
