/** Tells of Ctrl-C. */
export interface Interrupts {
  /**
   * Calls back at Ctrl-C, in place of the end of the process; if asked to, also
   * where a service manager wants the process to end.
   */
  listen(onInterrupt: () => void, options?: ListenOptions): Disposable;
}

/** What to listen to. */
export interface ListenOptions {
  /**
   * Whether to listen to SIGTERM too.
   *
   * @default {false}
   */
  readonly isService?: boolean;
}

/** The exit code of a process that Ctrl-C ended: 128 + SIGINT. */
export const INTERRUPTED = 130;

/** What services are told to end by. */
const TERMINATE = Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM";

/**
 * The interrupts of this process. If the work goes on in spite of the first
 * one, a second one ends the process.
 *
 * @returns Listens to SIGINT.
 */
export function processInterrupts(): Interrupts {
  return {
    listen(onInterrupt, { isService = false } = {}) {
      let isSecond = false;
      function handle(): void {
        if (isSecond) Deno.exit(INTERRUPTED);
        isSecond = true;
        onInterrupt();
      }
      const signals: Deno.Signal[] = isService
        ? ["SIGINT", TERMINATE]
        : ["SIGINT"];
      for (const signal of signals) Deno.addSignalListener(signal, handle);
      return {
        [Symbol.dispose]: () => {
          for (const signal of signals) {
            Deno.removeSignalListener(signal, handle);
          }
        },
      };
    },
  };
}
