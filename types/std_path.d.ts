/** The part of `@std/path` that Moeno uses. */

/** Joins path segments. */
export function join(...paths: readonly string[]): string;
/** The directory of a path. */
export function dirname(path: string): string;
/** The last segment of a path. */
export function basename(path: string, suffix?: string): string;
/** Makes a path absolute. */
export function resolve(...paths: readonly string[]): string;
/** Turns a `file:` URL into a path. */
export function fromFileUrl(url: string | URL): string;
/** Turns a path into a `file:` URL. */
export function toFileUrl(path: string): URL;
/** Whether a path is absolute. */
export function isAbsolute(path: string): boolean;
/** The path of `to`, seen from `from`. */
export function relative(from: string, to: string): string;
/** Makes a regular expression of a glob. */
export function globToRegExp(glob: string): RegExp;
