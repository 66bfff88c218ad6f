/**
 * Folders as archives, the same bytes for the same files. The programs that unpack
 * them on the user's machine make them here.
 *
 * @module
 */
import { join } from "@std/path";

/** How an archive is made smaller. */
export type Compression = "gzip" | "xz";

/** Programs that make a file smaller: the same bytes everywhere. */
const COMPRESSORS: Readonly<Record<Compression, Compressor>> = {
  gzip: { args: ["gzip", "--no-name"], suffix: ".gz" },
  xz: { args: ["xz", "-9", "--threads=1"], suffix: ".xz" },
};

/** A program that replaces a file by a smaller one. */
interface Compressor {
  /** The program, and its flags. */
  readonly args: readonly string[];
  /** What it appends to the file's name. */
  readonly suffix: string;
}

/** Commands that read an archive from stdin and write what was made smaller. */
export const DECOMPRESS: Readonly<Record<Compression, string>> = {
  gzip: "gzip -dc",
  xz: "xz -dc",
};

/**
 * Packs files: in the order of their names, without owners and times.
 *
 * @param folder The folder that they are in.
 * @param names Their paths in it.
 * @param output The archive to make.
 * @param compression How to make it smaller.
 * @throws {Error} If `tar`, `gzip` or `xz` fails or is not there.
 */
export async function packFiles(
  folder: string,
  names: readonly string[],
  output: string,
  compression: Compression,
): Promise<void> {
  for (const name of names) await Deno.utime(join(folder, name), 0, 0);
  const { args, suffix } = COMPRESSORS[compression];
  await run(
    "tar",
    ...await ownerFlags(),
    "--format=ustar",
    "-cf",
    output,
    "-C",
    folder,
    "--",
    ...[...names].sort(),
  );
  await run(...args, output);
  await Deno.rename(output + suffix, output);
}

async function run(program = "", ...args: string[]): Promise<void> {
  const { success, code } = await new Deno.Command(program, {
    args,
    stdin: "null",
  }).spawn().status;
  if (success) return;
  throw new Error(
    `Cannot pack: ${program} ended with ${code}, see its words above`,
  );
}

/** How this machine's tar is told that files belong to nobody. */
async function ownerFlags(): Promise<string[]> {
  const { stdout } = await new Deno.Command("tar", { args: ["--version"] })
    .output();
  return new TextDecoder().decode(stdout).startsWith("bsdtar")
    ? ["--uid=0", "--gid=0", "--uname=", "--gname="]
    : ["--owner=0", "--group=0", "--numeric-owner"];
}
