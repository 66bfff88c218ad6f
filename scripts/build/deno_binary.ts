/**
 * Deno's own executable, for this machine or for another.
 *
 * @module
 */
import { join } from "@std/path";

/** Packages on npm that hold nothing but Deno, and what `uname` says there. */
const PLATFORMS: Readonly<Record<string, Platform>> = {
  "x86_64-unknown-linux-gnu": {
    package: "@deno/linux-x64-glibc",
    machines: ["x86_64 Linux"],
  },
  "aarch64-unknown-linux-gnu": {
    package: "@deno/linux-arm64-glibc",
    machines: ["aarch64 Linux", "arm64 Linux"],
  },
  "x86_64-apple-darwin": {
    package: "@deno/darwin-x64",
    // Rosetta translates it on an Apple M.
    machines: ["x86_64 Darwin", "arm64 Darwin"],
  },
  "aarch64-apple-darwin": {
    package: "@deno/darwin-arm64",
    machines: ["arm64 Darwin"],
  },
};

/** A kind of machine that a shell script can unpack a program on. */
export interface Platform {
  /** The package on npm. */
  readonly package: string;
  /** What `uname -m` and `uname -s` say. */
  readonly machines: readonly string[];
}

/** For what there is a single file. Windows has no shell that could unpack it. */
export const TARGETS: readonly string[] = Object.keys(PLATFORMS);

/**
 * Finds what a target is.
 *
 * @param target Such as `x86_64-unknown-linux-gnu`.
 * @returns The platform.
 * @throws {Error} If no shell script can be made for it.
 */
export function platformOf(target: string): Platform {
  const platform = Object.hasOwn(PLATFORMS, target) && PLATFORMS[target];
  if (platform) return platform;
  throw new Error(
    `Cannot build a single file for ${target}: wanted one of ${
      TARGETS.join(", ")
    }`,
  );
}

/**
 * Puts Deno of this version into a folder: this Deno, or that of another target,
 * from npm, which checks its hash.
 *
 * @param target For what.
 * @param path The file to make.
 * @throws {Error} If npm does not have it.
 */
export async function copyDeno(target: string, path: string): Promise<void> {
  if (target === Deno.build.target) {
    await Deno.copyFile(Deno.execPath(), path);
  } else {
    await fetchDeno(`${platformOf(target).package}@${Deno.version.deno}`, path);
  }
  await Deno.chmod(path, 0o755);
}

async function fetchDeno(name: string, path: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "moeno-deno-" });
  try {
    await run("npm", ["pack", "--silent", "--pack-destination", folder, name]);
    for await (const { name: archive } of Deno.readDir(folder)) {
      await run("tar", ["-xzf", join(folder, archive), "-C", folder]);
    }
    await Deno.copyFile(join(folder, "package", "deno"), path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(
    `Cannot fetch Deno: ${program} ${args.join(" ")} failed: ` +
      new TextDecoder().decode(stderr).trim(),
  );
}
