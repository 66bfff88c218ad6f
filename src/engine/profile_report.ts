/** What a profile says of a device: times as rates, and as shares of what it can do. */

import type { KernelTimes, PhaseName, PhaseTimes } from "../gpu/profile.ts";

/** How fast a device moves bytes. */
export interface ProfileRates {
  /** 10^9 bytes of VRAM a second. */
  readonly vramGigabytesPerSecond: number;
  /** 10^9 bytes of experts a second; `null` if all are on the GPU. */
  readonly linkGigabytesPerSecond: number | null;
}

/** Where the time of a run went, kernel by kernel, each timed on its own. */
export interface ProfileReport extends ProfileRates {
  /** Prompts, then single tokens, if there were any. */
  readonly phases: readonly PhaseReport[];
}

/** A phase of a run. */
export interface PhaseReport {
  /** Prompts, many tokens at a time, or one token after the other. */
  readonly name: PhaseName;
  /** How many tokens ran. */
  readonly tokenCount: number;
  /** In how many steps: one for each token in decode. */
  readonly stepCount: number;
  /** Milliseconds of a step by the host's clock. */
  readonly wallMsPerStep: number;
  /** Milliseconds of a step in kernels. */
  readonly gpuMsPerStep: number;
  /** By kernel and role, those that took longest first. */
  readonly kernels: readonly KernelReport[];
}

/** A kernel in one role. */
export interface KernelReport {
  /** What it is in the model. */
  readonly role: string;
  /** The kernel's file. */
  readonly kernel: string;
  /** How often it ran in a step. */
  readonly callsPerStep: number;
  /** Microseconds of a call. */
  readonly usPerCall: number;
  /** Its part of the time of all kernels. */
  readonly share: number;
  /**
   * What its bytes came from, "both" where the GPU decides; `null` if nobody knows
   * how many there were.
   */
  readonly source: "VRAM" | "link" | "both" | null;
  /** 10^9 bytes a second. */
  readonly gigabytesPerSecond: number | null;
  /** That as a share of what the device does; `null` for both. */
  readonly rateShare: number | null;
  /** 10^9 multiplications and additions a second; `null` if nobody counted. */
  readonly gigaflopsPerSecond: number | null;
}

/**
 * Makes a report.
 *
 * @param phases What was timed.
 * @param rates What the device does.
 * @returns The report.
 */
export function profileReport(
  phases: readonly PhaseTimes[],
  rates: ProfileRates,
): ProfileReport {
  return {
    ...rates,
    phases: phases.map((phase) => ({
      name: phase.name,
      tokenCount: phase.tokenCount,
      stepCount: phase.stepCount,
      wallMsPerStep: phase.wallMs / phase.stepCount,
      gpuMsPerStep: phase.gpuMs / phase.stepCount,
      kernels: phase.kernels.map((times) => kernelReport(times, phase, rates)),
    })),
  };
}

function kernelReport(
  { role, kernel, callCount, ms, isMixed, ...sums }: KernelTimes,
  { stepCount, gpuMs }: PhaseTimes,
  { vramGigabytesPerSecond, linkGigabytesPerSecond }: ProfileRates,
): KernelReport {
  const { byteLength, linkByteLength, flops } = sums;
  const isLink = linkByteLength > 0;
  const bytes = isLink ? linkByteLength : byteLength;
  const gigabytesPerSecond = bytes > 0 ? ratio(bytes / 1e6, ms) : null;
  const source = isLink ? "link" : isMixed ? "both" : "VRAM";
  const limit = {
    link: linkGigabytesPerSecond,
    VRAM: vramGigabytesPerSecond,
    both: null,
  }[source];
  return {
    role,
    kernel,
    callsPerStep: callCount / stepCount,
    usPerCall: 1000 * ms / callCount,
    share: ratio(ms, gpuMs) ?? 0,
    source: bytes === 0 ? null : source,
    gigabytesPerSecond,
    rateShare: gigabytesPerSecond !== null && limit !== null
      ? gigabytesPerSecond / limit
      : null,
    gigaflopsPerSecond: flops > 0 ? ratio(flops / 1e6, ms) : null,
  };
}

/** `null` where a clock was too coarse to tell. */
function ratio(a: number, b: number): number | null {
  return b > 0 ? a / b : null;
}
