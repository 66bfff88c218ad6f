/**
 * Folders as archives, the same bytes for the same files. The programs that unpack
 * them on the user's machine make them here.
 *
 * @module
 */
import { join } from "@std/path";

/** How an archive is made smaller. */
export type Compression = "gzip" | "xz";

/** Commands for each: the same bytes everywhere, without names and threads. */
const COMPRESS: Readonly<Record<Compression, readonly string[]>> = {
  gzip: ["gzip", "-9", "--no-name", "--stdout"],
  xz: ["xz", "-9", "--threads=1", "--stdout"],
};

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
  const [compressor, ...flags] = COMPRESS[compression];
  using file = await Deno.create(output);
  const packer = spawn("tar", [
    ...await ownerFlags(),
    "--format=ustar",
    "-cf",
    "-",
    "-C",
    folder,
    "--",
    ...[...names].sort(),
  ], { stdin: "null" });
  const squeezer = spawn(compressor!, flags, { stdin: "piped" });
  await Promise.all([
    packer.stdout.pipeTo(squeezer.stdin),
    squeezer.stdout.pipeTo(file.writable, { preventClose: true }),
  ]);
  await mustSucceed("tar", packer);
  await mustSucceed(compressor!, squeezer);
}

function spawn(
  program: string,
  args: readonly string[],
  { stdin }: { stdin: "null" | "piped" },
): Deno.ChildProcess {
  return new Deno.Command(program, { args: [...args], stdin, stdout: "piped" })
    .spawn();
}

async function mustSucceed(
  program: string,
  { status }: Deno.ChildProcess,
): Promise<void> {
  const { success, code } = await status;
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
