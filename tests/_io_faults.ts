/** Files that cannot be read, and disks that are full. */

/** What happens to a read, or to a question about a file. */
export type ReadFault =
  /** The disk is broken. */
  | "fails"
  /** The file ends before it should. */
  | "ends"
  /** Fewer bytes come than there are, as may always be. */
  | "short"
  /** It takes its time. */
  | "slow";

/** What came of it. */
export interface FaultOutcome {
  /** How many operations there were that it could have hit. */
  readonly count: number;
  /** Whether it hit one. */
  readonly isInjected: boolean;
  /** What was thrown; `null` if nothing was. */
  readonly error: Error | null;
}

const ON_DENO = ["open", "stat", "lstat", "readTextFile", "readFile"] as const;
const ON_FILE = ["read", "stat"] as const;
const SLOW_MS = 30;

// deno-lint-ignore no-explicit-any -- any function may stand there
type Functions = Record<string, (...args: any[]) => Promise<unknown>>;
/** Does an operation, or what a fault makes of it. */
type Around = (
  name: string,
  run: (...args: unknown[]) => Promise<unknown>,
  args: unknown[],
) => Promise<unknown>;

/** Runs a function while operations on files go through another one. */
async function around(
  places: readonly (readonly [object, readonly string[]])[],
  fault: Around,
  fn: () => Promise<unknown>,
): Promise<Error | null> {
  const restores: (() => void)[] = [];
  for (const [place, names] of places) {
    const target = place as Functions;
    for (const name of names) {
      const original = target[name]!;
      target[name] = function (...args) {
        const run = (...args: unknown[]) => original.apply(this, args);
        return fault(name, run, args);
      };
      restores.push(() => target[name] = original);
    }
  }
  try {
    await fn();
    return null;
  } catch (error) {
    return error as Error;
  } finally {
    for (const restore of restores) restore();
  }
}

/** An error as the system makes it. */
function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/**
 * Runs a function whose n-th read of a file goes wrong.
 *
 * @param nth Which, counted from 1.
 * @param fault What happens to it.
 * @param fn What to run.
 * @returns What came of it.
 */
export async function withReadFault(
  nth: number,
  fault: ReadFault,
  fn: () => Promise<unknown>,
): Promise<FaultOutcome> {
  let count = 0;
  const isOfReads = fault === "ends" || fault === "short";
  const error = await around(
    [[Deno, ON_DENO], [Deno.FsFile.prototype, ON_FILE]],
    async (name, run, args) => {
      if (isOfReads && name !== "read") return await run(...args);
      if (++count !== nth) return await run(...args);
      switch (fault) {
        case "fails":
          throw systemError("EIO", "Input/output error (os error 5)");
        case "ends":
          return null;
        case "short": {
          const bytes = args[0] as Uint8Array;
          return await run(bytes.subarray(0, Math.ceil(bytes.length / 2)));
        }
        case "slow":
          await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
          return await run(...args);
      }
    },
    fn,
  );
  return { count, isInjected: count >= nth, error };
}

/**
 * Runs a function on a disk that is full after some bytes.
 *
 * @param byteLength How many can be written.
 * @param fn What to run.
 * @returns What came of it; `count` is of bytes.
 */
export async function withFullDisk(
  byteLength: number,
  fn: () => Promise<unknown>,
): Promise<FaultOutcome> {
  let count = 0;
  let isInjected = false;
  /** How many of some bytes the disk takes. */
  const take = (wanted: number) => {
    const left = Math.max(0, byteLength - count);
    count += wanted;
    if (wanted <= left) return wanted;
    isInjected = true;
    return left;
  };
  const full = () =>
    systemError("ENOSPC", "No space left on device (os error 28)");
  const error = await around(
    [
      [Deno, ["writeTextFile", "writeFile"]],
      [Deno.FsFile.prototype, ["write"]],
    ],
    async (name, run, args) => {
      const data = args[name === "write" ? 0 : 1] as Uint8Array | string;
      const bytes = typeof data === "string"
        ? new TextEncoder().encode(data)
        : data;
      const taken = take(bytes.length);
      if (taken === bytes.length) return await run(...args);
      const part = bytes.subarray(0, taken);
      if (name === "write") {
        // A disk that is nearly full takes what it can, then nothing.
        if (taken > 0) return await run(part);
        throw full();
      }
      await run(args[0], typeof data === "string" ? "" : part, args[2]);
      throw full();
    },
    fn,
  );
  return { count, isInjected, error };
}
