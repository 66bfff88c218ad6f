/** What a profile says of a device: times as rates, and as shares of what it can do. */

import type { Cost } from "../gpu/encodable.ts";
import type { KernelTimes, PhaseName, PhaseTimes } from "../gpu/profile.ts";
import type { ByteCause } from "../offload/offload_stats.ts";

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
  /** 10^9 bytes of VRAM a second; `null` if it read none, or nobody knows. */
  readonly vramGigabytesPerSecond: number | null;
  /** 10^9 bytes over the link a second; `null` if it brought none. */
  readonly linkGigabytesPerSecond: number | null;
  /**
   * The time that its bytes take at the rates of the device, which come over both ways
   * at once, as a share of its own; `null` if nobody knows.
   */
  readonly rateShare: number | null;
  /** 10^9 multiplications and additions a second; `null` if nobody counted. */
  readonly gigaflopsPerSecond: number | null;
}

/** Bytes that came over the link while single tokens ran, by cause. */
export type BroughtBytes = Readonly<Record<ByteCause, number>>;

/**
 * Makes a report.
 *
 * Which experts were missing where the GPU decides, no kernel says; how many bytes
 * that were, offloading has counted. They go to the kernels that bring them in, in
 * proportion to what each would bring if all were missing.
 *
 * @param phases What was timed.
 * @param rates What the device does.
 * @param brought What offloading counted meanwhile; `null` if it does nothing.
 * @returns The report.
 */
export function profileReport(
  phases: readonly PhaseTimes[],
  rates: ProfileRates,
  brought: BroughtBytes | null,
): ProfileReport {
  return {
    ...rates,
    phases: phases.map((phase) => {
      const kernels = broughtTo(phase, brought);
      return {
        name: phase.name,
        tokenCount: phase.tokenCount,
        stepCount: phase.stepCount,
        wallMsPerStep: phase.wallMs / phase.stepCount,
        gpuMsPerStep: phase.gpuMs / phase.stepCount,
        kernels: kernels.map((times) => kernelReport(times, phase, rates)),
      };
    }),
  };
}

/** Gives what the GPU brought in by itself to the kernels that did. */
function broughtTo(
  { name, kernels }: PhaseTimes,
  brought: BroughtBytes | null,
): readonly KernelTimes[] {
  if (name === "prefill" || brought === null) return kernels; // the host decides
  const sum = (of: keyof Cost) =>
    kernels.reduce((total, times) => total + times[of], 0);
  // What copies brought they know themselves.
  const missed = Math.max(0, brought.demand - sum("linkByteLength"));
  const missShare = ratio(missed, sum("missByteLength")) ?? 0;
  const guessed = brought.prefetchUsed + brought.prefetchWasted;
  const guessShare = ratio(guessed, sum("guessByteLength")) ?? 0;
  return kernels.map((times) => {
    const misses = missShare * times.missByteLength;
    const guesses = guessShare * times.guessByteLength;
    return {
      ...times,
      byteLength: Math.max(0, times.byteLength - misses),
      linkByteLength: times.linkByteLength + misses + guesses,
    };
  });
}

function kernelReport(
  { role, kernel, callCount, ms, ...sums }: KernelTimes,
  { stepCount, gpuMs }: PhaseTimes,
  { vramGigabytesPerSecond, linkGigabytesPerSecond }: ProfileRates,
): KernelReport {
  const rateOf = (count: number) => count > 0 ? ratio(count / 1e6, ms) : null;
  const vram = rateOf(sums.byteLength);
  const link = rateOf(sums.linkByteLength);
  const isKnown = link === null || linkGigabytesPerSecond !== null;
  return {
    role,
    kernel,
    callsPerStep: callCount / stepCount,
    usPerCall: 1000 * ms / callCount,
    share: ratio(ms, gpuMs) ?? 0,
    vramGigabytesPerSecond: vram,
    linkGigabytesPerSecond: link,
    rateShare: isKnown && (vram !== null || link !== null)
      ? Math.max(
        (vram ?? 0) / vramGigabytesPerSecond,
        (link ?? 0) / (linkGigabytesPerSecond ?? Infinity),
      )
      : null,
    gigaflopsPerSecond: rateOf(sums.flops),
  };
}

/** `null` where a clock was too coarse to tell. */
function ratio(a: number, b: number): number | null {
  return b > 0 ? a / b : null;
}
