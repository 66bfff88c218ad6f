/**
 * For what the program is compiled.
 *
 * @module
 */

/** Machines that `deno compile` makes programs for, as Deno names them. */
export const COMPILE_TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-pc-windows-msvc",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
] as const;

/** One of {@linkcode COMPILE_TARGETS}. */
export type CompileTarget = typeof COMPILE_TARGETS[number];

/**
 * Checks that the program can be compiled for a target.
 *
 * @param target Such as `x86_64-unknown-linux-gnu`.
 * @returns The same.
 * @throws {Error} If it cannot.
 */
export function compileTarget(target: string): CompileTarget {
  const found = COMPILE_TARGETS.find((one) => one === target);
  if (found !== undefined) return found;
  throw new Error(
    `Cannot compile for ${target}: wanted one of ${COMPILE_TARGETS.join(", ")}`,
  );
}

/**
 * Names the executable for a target.
 *
 * @param version The program's version.
 * @param target For what it is.
 * @returns Such as `moeno-1.2.3-x86_64-pc-windows-msvc.exe`.
 */
export function compiledName(version: string, target: CompileTarget): string {
  return withExtension(`moeno-${version}-${target}`, target);
}

/**
 * Adds to a name what the system wants.
 *
 * @param name The name of an executable.
 * @param target For what it is.
 * @returns The name, with `.exe` if Windows is to run it.
 */
export function withExtension(name: string, target: CompileTarget): string {
  if (!target.includes("windows") || /\.exe$/i.test(name)) return name;
  return `${name}.exe`;
}

/** The processors that ELF, PE and Mach-O number each in its own way. */
const PROCESSORS = {
  elf: new Map([[62, "x86_64"], [183, "aarch64"]]),
  pe: new Map([[0x8664, "x86_64"], [0xaa64, "aarch64"]]),
  machO: new Map([[0x1000007, "x86_64"], [0x100000c, "aarch64"]]),
};

/** Bytes of an executable that say what it is. */
export const EXECUTABLE_HEAD_BYTE_LENGTH = 4096;

/**
 * Tells from an executable what it runs on.
 *
 * @param head Its first bytes, up to `EXECUTABLE_HEAD_BYTE_LENGTH`.
 * @returns The target, as far as the bytes say it: which C library of Linux or of
 * Windows they do not; `null` if they are no 64-bit executable that we know.
 */
export function executableTarget(head: Uint8Array): string | null {
  if (head.byteLength < 64) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const magic = view.getUint32(0);
  if (magic === 0x7f454c46 && head[4] === 2) { // "\x7fELF", 64 bits
    const processor = PROCESSORS.elf.get(view.getUint16(18, true));
    return targetOf(processor, "unknown-linux-gnu");
  }
  if (magic === 0xcffaedfe) { // Mach-O of 64 bits, little end first
    const processor = PROCESSORS.machO.get(view.getUint32(4, true));
    return targetOf(processor, "apple-darwin");
  }
  if (view.getUint16(0) === 0x4d5a) { // "MZ", then where "PE\0\0" is
    const at = view.getUint32(0x3c, true);
    if (at + 6 > head.byteLength || view.getUint32(at) !== 0x50450000) {
      return null;
    }
    const processor = PROCESSORS.pe.get(view.getUint16(at + 4, true));
    return targetOf(processor, "pc-windows-msvc");
  }
  return null;
}

function targetOf(processor: string | undefined, system: string) {
  return processor === undefined ? null : `${processor}-${system}`;
}
