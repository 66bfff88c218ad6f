/** Where the GPU's time went: sums by kernel. Numbers only. */

import type { Cost } from "./encodable.ts";

/** Prompts, many tokens at a time, or one token after the other. */
export type PhaseName = "prefill" | "decode";

/** What a kernel came to in one role. */
export interface KernelTimes {
  /** What it is in the model. */
  readonly role: string;
  /** The kernel's file. */
  readonly kernel: string;
  /** How often it ran. */
  readonly callCount: number;
  /** Milliseconds of the GPU. */
  readonly ms: number;
  /** Bytes of weights, keys and values that it read, as far as known. */
  readonly byteLength: number;
  /** Bytes that it brought over the link, as far as the host knows. */
  readonly linkByteLength: number;
  /** Bytes that it would have brought if every expert had been missing. */
  readonly missByteLength: number;
  /** Bytes that it would have brought if there had been a guess each time. */
  readonly guessByteLength: number;
  /** Multiplications and additions, as far as known. */
  readonly flops: number;
}

/** What a phase came to. */
export interface PhaseTimes {
  /** Which. */
  readonly name: PhaseName;
  /** How many tokens ran. */
  readonly tokenCount: number;
  /** In how many steps. */
  readonly stepCount: number;
  /** Milliseconds from the first command of a step to what was read last. */
  readonly wallMs: number;
  /** Milliseconds of all kernels, one after the other. */
  readonly gpuMs: number;
  /** By kernel and role, those that took longest first. */
  readonly kernels: readonly KernelTimes[];
}

/** A dispatch and how long it took. */
export interface TimedCall {
  /** Of which phase it was. */
  readonly phase: PhaseName;
  /** What it is in the model. */
  readonly role: string;
  /** The kernel's file. */
  readonly kernel: string;
  /** What it moved and computed. */
  readonly cost: Cost;
  /** Milliseconds of the GPU. */
  readonly ms: number;
}

const NO_COST: Required<Cost> = {
  byteLength: 0,
  linkByteLength: 0,
  missByteLength: 0,
  guessByteLength: 0,
  flops: 0,
};

type Sums = { -readonly [K in keyof KernelTimes]: KernelTimes[K] };

/** Sums of one phase. */
class Phase {
  tokenCount = 0;
  stepCount = 0;
  wallMs = 0;
  readonly kernels = new Map<string, Sums>();
}

/** Sums up what dispatches took. */
export class Profile {
  #phases: Record<PhaseName, Phase> = {
    prefill: new Phase(),
    decode: new Phase(),
  };

  /**
   * Counts tokens that begin.
   *
   * @param phase Of which phase they are.
   * @param tokenCount How many.
   * @param stepCount In how many steps.
   */
  addTokens(phase: PhaseName, tokenCount: number, stepCount: number): void {
    this.#phases[phase].tokenCount += tokenCount;
    this.#phases[phase].stepCount += stepCount;
  }

  /**
   * Counts time of the host's clock.
   *
   * @param phase Of which phase it was.
   * @param ms How long.
   */
  addWall(phase: PhaseName, ms: number): void {
    this.#phases[phase].wallMs += ms;
  }

  /**
   * Counts a dispatch.
   *
   * @param call What it was, and how long it took.
   */
  addCall({ phase, role, kernel, cost, ms }: TimedCall): void {
    const { kernels } = this.#phases[phase];
    const key = `${role}\n${kernel}`;
    let sums = kernels.get(key);
    if (sums === undefined) {
      sums = { role, kernel, callCount: 0, ms: 0, ...NO_COST };
      kernels.set(key, sums);
    }
    sums.callCount++;
    sums.ms += ms;
    sums.byteLength += cost.byteLength ?? 0;
    sums.linkByteLength += cost.linkByteLength ?? 0;
    sums.missByteLength += cost.missByteLength ?? 0;
    sums.guessByteLength += cost.guessByteLength ?? 0;
    sums.flops += cost.flops ?? 0;
  }

  /** Forgets everything. */
  clear(): void {
    this.#phases = { prefill: new Phase(), decode: new Phase() };
  }

  /**
   * Says what it came to.
   *
   * @returns The phases that there were, in order.
   */
  phases(): PhaseTimes[] {
    const all: PhaseTimes[] = [];
    for (const name of ["prefill", "decode"] as const) {
      const { tokenCount, stepCount, wallMs, kernels } = this.#phases[name];
      if (tokenCount === 0) continue;
      all.push({
        ...{ name, tokenCount, stepCount, wallMs },
        gpuMs: kernels.values().reduce((sum, { ms }) => sum + ms, 0),
        kernels: [...kernels.values()].map((sums) => ({ ...sums }))
          .sort((a, b) => b.ms - a.ms),
      });
    }
    return all;
  }
}
