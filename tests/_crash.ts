/** Processes that end in the midst of their work, without ending the test. */

/** What a crash throws; nothing that runs after it reaches the disk. */
export class Crash extends Error {}

/** Operations that change what is on the disk. */
const ON_DENO = [
  ...["chmod", "copyFile", "link", "mkdir", "open", "remove", "rename"],
  ...["writeFile", "writeTextFile"],
];
const ON_FILE = ["write", "truncate", "sync", "syncData"] as const;

// deno-lint-ignore no-explicit-any -- any function may stand there
type Functions = Record<string, (...args: any[]) => Promise<unknown>>;

/**
 * Runs a function up to its n-th operation on the disk, as if the process then
 * lost its power: that operation is not done, or half of it if it writes, and
 * none after it, so that no clean-up helps.
 *
 * @param operation Which operation is the last, counted from 1.
 * @param fn What to run.
 * @returns Whether it crashed, and how many operations there were till then.
 */
export async function crashAt(
  operation: number,
  fn: () => Promise<unknown>,
): Promise<{ crashed: boolean; count: number }> {
  let count = 0;
  const restores: (() => void)[] = [];
  function patch(target: Functions, name: string): void {
    const original = target[name]!;
    target[name] = async function (...args) {
      count++;
      if (count < operation) return await original.apply(this, args);
      if (count === operation && name === "write") {
        const bytes = args[0] as Uint8Array;
        await original.call(this, bytes.subarray(0, bytes.length >> 1));
      }
      if (count === operation && name.startsWith("write") && args.length > 1) {
        const [path, data, ...rest] = args; // text, or bytes
        await original.call(
          this,
          path,
          data.slice(0, data.length >> 1),
          ...rest,
        );
      }
      throw new Crash(`${name} at operation ${count}`);
    };
    restores.push(() => target[name] = original);
  }
  for (const name of ON_DENO) patch(Deno as unknown as Functions, name);
  for (const name of ON_FILE) {
    patch(Deno.FsFile.prototype as unknown as Functions, name);
  }
  try {
    await fn();
    return { crashed: false, count };
  } catch (error) {
    // Some wrap what they catch.
    const isCrash = error instanceof Crash ||
      (error instanceof Error && error.cause instanceof Crash);
    if (isCrash) return { crashed: true, count };
    throw error;
  } finally {
    for (const restore of restores) restore();
  }
}
