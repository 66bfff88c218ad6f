/** Tells of Ctrl-C. */
export interface Interrupts {
  /** Calls back at Ctrl-C, in place of the end of the process. */
  listen(onInterrupt: () => void): Disposable;
}

/** The exit code of a process that Ctrl-C ended: 128 + SIGINT. */
export const INTERRUPTED = 130;

/**
 * The interrupts of this process. If the work goes on in spite of the first
 * one, a second one ends the process.
 *
 * @returns Listens to SIGINT.
 */
export function processInterrupts(): Interrupts {
  return {
    listen(onInterrupt) {
      let isSecond = false;
      function handle(): void {
        if (isSecond) Deno.exit(INTERRUPTED);
        isSecond = true;
        onInterrupt();
      }
      Deno.addSignalListener("SIGINT", handle);
      return {
        [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", handle),
      };
    },
  };
}
