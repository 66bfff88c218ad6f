// @ts-check

/**
 * What to say while no word of an answer has come.
 *
 * @param {{ comment: string, waitedMs: number, queued: number }} state What the
 *   server said to this request last; how many requests wait for their turn.
 * @returns {string}
 */
export function waitingText({ comment, waitedMs, queued }) {
  const isQueued = /queue/i.test(comment) || queued > 0;
  const what = isQueued ? "Waiting in the queue" : "Reading the conversation";
  const seconds = Math.floor(waitedMs / 1000);
  return seconds < 2 ? `${what} …` : `${what} … ${seconds} s`;
}
