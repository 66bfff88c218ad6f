/** The part of `@std/http/etag` that Moeno uses. */

/** The entity tag of a text: a hash of it, in quotation marks. */
export function eTag(entity: string): Promise<string | undefined>;
/** Whether an `If-None-Match` names no tag that is this one. */
export function ifNoneMatch(
  value: string | null,
  etag: string | undefined,
): boolean;
