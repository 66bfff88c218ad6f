/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  /** Says which kind of error it is. */
  override name = "UsageError";
}

/**
 * Refuses flags that do not go together.
 *
 * @param pairs Two flags, and whether both were given.
 * @throws {UsageError} At the first pair that was.
 */
export function refuseTogether(
  pairs: readonly (readonly [one: string, other: string, isWrong: unknown])[],
): void {
  for (const [one, other, isWrong] of pairs) {
    if (isWrong) throw new UsageError(`${one} does not go with ${other}`);
  }
}

/**
 * Refuses arguments of a command that takes flags only.
 *
 * @param name The command.
 * @param positional Its arguments.
 * @param advice What does what may have been meant.
 * @throws {UsageError} If there is one.
 */
export function refuseArguments(
  name: string,
  [first]: readonly string[],
  advice?: string,
): void {
  if (first === undefined) return;
  throw new UsageError(
    `${name} takes no argument, received ${JSON.stringify(first)}` +
      (advice === undefined ? "" : `; ${advice}`),
  );
}
