/**
 * Sentences for what the file system refuses.
 *
 * @module
 */

/**
 * Says in a sentence what a file operation could not do.
 *
 * @param action What was tried, as in `read config.json`.
 * @param error What was thrown.
 * @returns An error `Cannot <action>: <state>`, or the thrown one if it does
 * not come from the file system.
 */
export function fileError(action: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`Cannot ${action}: ${error}`);
  // A file that is written need not be there, but its directory must.
  const isMissingDirectory = action.startsWith("write ") &&
    error instanceof Deno.errors.NotFound;
  const state = isMissingDirectory
    ? "there is no such directory"
    : describe(error);
  if (state === undefined) return error;
  return new Error(`Cannot ${action}: ${state}`, { cause: error });
}

function describe(error: Error): string | undefined {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.NotCapable) {
    return describeMissing(error.message);
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "the system grants no permission";
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return "a part of the path is not a directory";
  }
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (error instanceof Deno.errors.FilesystemLoop) {
    return "its links lead in a circle";
  }
  if (error instanceof Deno.errors.BadResource) return "it is closed";
  if (error instanceof TypeError && error.message.includes("NUL")) {
    return "its name has a NUL character, which no file's has";
  }
  const fromSystem = "code" in error || // such as ENOSPC
    Object.values(Deno.errors).some((kind) => error instanceof kind);
  return fromSystem ? error.message : undefined;
}

/** Names the permission that Deno's message is about. */
function describeMissing(message: string): string {
  const [, kind, path] = /^Requires (\w+) access to "([^"]+)"/.exec(message) ??
    [];
  return kind === undefined
    ? "Deno has no permission, run it with --allow-read and --allow-write"
    : `Deno has no permission, run it with --allow-${kind}=${path}`;
}
