/**
 * Whether what was compiled is the program.
 *
 * @module
 */

/**
 * Starts a compiled program for the first time.
 *
 * @param path The executable, for this machine.
 * @param target For what it was compiled.
 * @throws {Error} If it does not say that it is the program. Deno itself in place of
 * its runtime gives such a file.
 */
export async function tryToStart(path: string, target: string): Promise<void> {
  const { stdout, stderr } = await new Deno.Command(path, {
    args: ["version", "--json"],
    env: { NO_COLOR: "1", MOENO_CONFIG: "off" },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes).trim()
  );
  try {
    if (JSON.parse(out!).form === "compiled") return;
  } catch {
    // What Deno itself writes is no JSON.
  }
  throw new Error(
    `Cannot compile for ${target}: what came out does not start as Moeno (${
      (err || out)!.split("\n")[0]
    }), wanted denort and not Deno itself as DENORT_BIN`,
  );
}
