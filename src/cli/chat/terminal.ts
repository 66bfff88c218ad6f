/** What a line editor needs of a terminal, besides bytes in and out. */
export interface Terminal {
  /** Whether keys come one by one and unseen, or as lines. */
  setRaw(isRaw: boolean): void;
  /** Calls back when its size has changed, and when the program goes on after Ctrl-Z. */
  listen(calls: { onResize(): void; onResume(): void }): Disposable;
}

/**
 * The terminal of this process.
 *
 * @returns The terminal that stdin is.
 */
export function processTerminal(): Terminal {
  // Where it can be, Ctrl-C and Ctrl-Z stay signals: they work while the program
  // is busy, too.
  const isWindows = Deno.build.os === "windows";
  return {
    setRaw: (isRaw) => Deno.stdin.setRaw(isRaw, { cbreak: !isWindows }),
    listen({ onResize, onResume }) {
      if (isWindows) return { [Symbol.dispose]: () => {} };
      Deno.addSignalListener("SIGWINCH", onResize);
      Deno.addSignalListener("SIGCONT", onResume);
      return {
        [Symbol.dispose]: () => {
          Deno.removeSignalListener("SIGWINCH", onResize);
          Deno.removeSignalListener("SIGCONT", onResume);
        },
      };
    },
  };
}
