/**
 * The most memory that a process ever had.
 *
 * @param pid The process.
 * @returns Bytes; `null` where the system does not say it, or the process is gone.
 */
export function peakByteLength(pid: number): number | null {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(status) ?? [];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null;
  }
}
