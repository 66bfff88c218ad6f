/** Tells of Ctrl-C. */
export interface Interrupts {
  /**
   * Calls back at Ctrl-C, in place of the end of the process; if asked to, also
   * where a service manager wants the process to end.
   */
  listen(onInterrupt: () => void, options?: ListenOptions): Disposable;
}

/** What to listen to, and for how long. */
export interface ListenOptions {
  /**
   * How many are heard of; if the work goes on, the next one ends the process.
   *
   * @default {1}
   */
  readonly patience?: number;
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
 * The interrupts of this process.
 *
 * @returns Listens to SIGINT.
 */
export function processInterrupts(): Interrupts {
  return {
    listen(onInterrupt, { patience = 1, isService = false } = {}) {
      let left = patience;
      function handle(): void {
        if (left-- <= 0) Deno.exit(INTERRUPTED);
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
