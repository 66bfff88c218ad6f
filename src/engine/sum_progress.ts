/** How far several things are that go on at the same time, as one. */

import type { Progress } from "../model/upload.ts";

type Listener = (progress: Progress) => void;

/**
 * Joins the reports of things that go on at the same time.
 *
 * @param what What they are together.
 * @param listener Who wants to hear.
 * @returns Makes a listener for one of them.
 */
export function sumProgress(what: string, listener: Listener): () => Listener {
  const parts: Progress[] = [];
  return () => {
    const part = parts.push({ what, done: 0, total: 0 }) - 1;
    return (progress) => {
      parts[part] = progress;
      const sum = (of: (progress: Progress) => number | undefined) =>
        parts.reduce((total, part) => total + (of(part) ?? 0), 0);
      listener({
        what,
        done: sum(({ done }) => done),
        total: sum(({ total }) => total),
        doneByteLength: sum(({ doneByteLength }) => doneByteLength),
        totalByteLength: sum(({ totalByteLength }) => totalByteLength),
      });
    };
  };
}
