import type {
  KernelReport,
  PhaseReport,
  ProfileReport,
} from "../engine/profile_report.ts";
import { counted } from "../io/counted.ts";

/** How the table is to be read. */
const NOTE =
  "Each kernel is timed on its own, one after the other: those that run side by " +
  "side\notherwise take longer here, and so does a step. GB/s: weights, keys, " +
  "values and experts\nthat come over the link, each byte once; rate %: the time " +
  "that they take at what this\ndevice was measured to do, of the kernel's time.";

/**
 * Writes a profile for people: a table for prompts and one for single tokens.
 *
 * @param report The profile.
 * @returns Lines, with a line break at the end; none if nothing ran.
 */
export function profileTable(report: ProfileReport): string {
  if (report.phases.length === 0) return "";
  const { vramGigabytesPerSecond, linkGigabytesPerSecond } = report;
  const link = linkGigabytesPerSecond === null
    ? ""
    : `, link ${linkGigabytesPerSecond.toFixed(1)} GB/s`;
  return [
    ...report.phases.flatMap((phase) => [...phaseLines(phase), ""]),
    NOTE,
    `Measured: VRAM ${vramGigabytesPerSecond.toFixed(1)} GB/s${link}.`,
    "",
  ].join("\n");
}

function phaseLines(phase: PhaseReport): string[] {
  const { name, kernels, wallMsPerStep, gpuMsPerStep } = phase;
  const per = name === "decode" ? "token" : "step";
  const percent = (100 * gpuMsPerStep / wallMsPerStep).toFixed(0);
  const rows = [
    ["role", "kernel", `calls/${per}`, "us/call", `ms/${per}`, "time %"]
      .concat("VRAM GB/s", "link GB/s", "rate %", "GFLOP/s"),
    ...kernels.map(cellsOf),
  ];
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.map((row) => row[i]!.length))
  );
  return [
    `${name}: ${countOf(phase)}; ${gpuMsPerStep.toFixed(3)} ms of ${
      wallMsPerStep.toFixed(3)
    } ms a ${per} in kernels (${percent} %)`,
    ...rows.map((row) =>
      row.map((cell, i) =>
        i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
      ).join("  ").trimEnd()
    ),
  ];
}

function cellsOf(kernel: KernelReport): string[] {
  const { gigaflopsPerSecond, rateShare } = kernel;
  return [
    kernel.role,
    kernel.kernel,
    number(kernel.callsPerStep),
    kernel.usPerCall.toFixed(1),
    (kernel.callsPerStep * kernel.usPerCall / 1000).toFixed(3),
    (100 * kernel.share).toFixed(1),
    shown(kernel.vramGigabytesPerSecond, 1),
    shown(kernel.linkGigabytesPerSecond, 1),
    shown(rateShare === null ? null : 100 * rateShare, 1),
    shown(gigaflopsPerSecond, 0),
  ];
}

function countOf({ name, tokenCount, stepCount }: PhaseReport): string {
  const tokens = counted(tokenCount, "token");
  return name === "decode"
    ? tokens
    : `${tokens}, ${counted(stepCount, "step")}`;
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

function shown(value: number | null, digits: number): string {
  return value === null ? "" : value.toFixed(digits);
}
