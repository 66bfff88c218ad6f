/** The program as a user starts it: a process of its own. */

import { fromFileUrl } from "@std/path";

/** The entry point. */
export const PROGRAM = fromFileUrl(new URL("../mod.ts", import.meta.url));

/** How to start the program. */
export interface StartOptions {
  /** What it reads from stdin. */
  readonly input?: string;
  /** Environment variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs. */
  readonly cwd?: string;
  /**
   * Deno's flags that say what it may do.
   *
   * @default {["-A"]}
   */
  readonly permissions?: readonly string[];
}

/** What a run left behind. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts the program.
 *
 * @param args The command line.
 * @param options Its surroundings; stdin stays open unless it has an input.
 * @returns The process.
 */
export function start(
  args: readonly string[],
  { env = {}, cwd, permissions = ["-A"] }: StartOptions = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, "--quiet", PROGRAM, ...args],
    env: { NO_COLOR: "1", MOENO_CONFIG: "off", ...env },
    ...cwd !== undefined && { cwd },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/**
 * Runs the program to its end.
 *
 * @param args The command line.
 * @param options Its surroundings.
 * @returns Its exit code and what it wrote.
 */
export async function moeno(
  args: readonly string[],
  options: StartOptions = {},
): Promise<Finished> {
  const child = start(args, options);
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(options.input ?? ""));
    await writer.close();
  } catch (error) {
    // A program that needs no input may end before it gets any.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}
