/**
 * What tells a file from another one, and from what it was.
 *
 * @module
 */

/** What the system says of a file that changes whenever its content does. */
export type FileMark = Pick<Deno.FileInfo, "dev" | "ino" | "size" | "mtime">;

/**
 * Says how a file differs from what it was. Who writes the same number of bytes and
 * sets the time back is not found out.
 *
 * @param now What the system says of it.
 * @param before What it said.
 * @returns A part of a sentence; `null` if it is the same.
 */
export function changeOf(now: FileMark, before: FileMark): string | null {
  const sizes = `it has ${now.size} bytes, had ${before.size}`;
  if (now.size < before.size) {
    return `it was cut short after it was opened: ${sizes}`;
  }
  if (now.size > before.size) return `it grew after it was opened: ${sizes}`;
  if (now.dev !== before.dev || now.ino !== before.ino) {
    return "another file took its place after it was opened";
  }
  if (now.mtime?.getTime() !== before.mtime?.getTime()) {
    return "it was written to after it was opened";
  }
  return null;
}
