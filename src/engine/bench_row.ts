/** What a benchmark gave for one way to load a model, and one prompt. */

import type { ModelConfig } from "../model/config.ts";
import {
  type OffloadReport,
  offloadReport,
} from "../offload/describe_stats.ts";
import {
  type OffloadPhase,
  type OffloadRecord,
  sumOf,
} from "../offload/offload_stats.ts";
import type { Plan } from "../offload/placement.ts";
import type { BenchModel } from "./bench_models.ts";
import type { Repetition } from "./bench_run.ts";
import { type MeanDeviation, meanDeviation } from "./mean_deviation.ts";
import { type ProfileReport, profileReport } from "./profile_report.ts";
import { activeByteLength, type Roofline, roofline } from "./roofline.ts";

/** A row of a benchmark. */
export interface BenchRow {
  /** Bits of the attention's weights; 16 for floats. */
  readonly attnBits: number;
  /** Bits of the experts' weights; 16 for floats. */
  readonly expertBits: number;
  /** Slots of each layer: (layerCount). */
  readonly slots: readonly number[];
  /** Experts of a layer. */
  readonly expertCount: number;
  /** The rest is `null` if all experts are on the GPU: which is evicted. */
  readonly policy: string | null;
  /** Whether experts are loaded ahead. */
  readonly prefetch: string | null;
  /** Who decided which came and went: `"cpu"`, too, if the pool was too small. */
  readonly residency: string | null;
  /** Where experts are when they are not on the GPU. */
  readonly stores: readonly string[] | null;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  /** Bytes on the GPU, as planned. */
  readonly vramByteLength: number;
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** Tokens that were run after it. */
  readonly tokens: number;
  /** Tokens of the prompt a second, by repetition. */
  readonly promptTokensPerSecond: MeanDeviation;
  /** Tokens after it a second, by repetition. */
  readonly tokensPerSecond: MeanDeviation;
  /** Milliseconds that a token after the prompt waited for the GPU. */
  readonly waitMsPerToken: number;
  /** Share of the uses of experts after the prompt that found a slot. */
  readonly hitRate: number | null;
  /** Uses that did not, a token. */
  readonly missesPerToken: number | null;
  /** Bytes that came over the link, a token, those moved in vain included. */
  readonly linkByteLengthPerToken: number | null;
  /** Milliseconds of a token after the prompt, by what the host did. */
  readonly hostMsPerToken: Readonly<Record<OffloadPhase, number>> | null;
  /** 10^9 bytes of experts a second, one after the other. */
  readonly linkGigabytesPerSecond: number | null;
  /** 10^9 bytes of VRAM a second. */
  readonly vramGigabytesPerSecond: number;
  /** Bytes of VRAM that a token after the prompt reads. */
  readonly activeByteLength: number;
  /** What link and VRAM allow. */
  readonly roofline: Roofline;
  /** The mean speed after the prompt, as a share of what they allow. */
  readonly rooflineShare: number;
  /** All that was counted after the prompt, all repetitions together. */
  readonly offload: OffloadReport | null;
  /** Where the GPU's time went, if it was profiled: all else is slower for it. */
  readonly profile?: ProfileReport;
}

/** What a row is made of. */
export interface BenchRowInput {
  /** What the model is. */
  readonly config: ModelConfig;
  /** The model, as it was loaded. */
  readonly model: Omit<BenchModel, "model" | typeof Symbol.dispose>;
  /** Positions of its KV cache. */
  readonly contextLength: number;
  /** 10^9 bytes of VRAM a second. */
  readonly vramGigabytesPerSecond: number;
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** Tokens that were run after it. */
  readonly tokens: number;
  /** What was measured, at least once. */
  readonly repetitions: readonly Repetition[];
}

/**
 * Makes a row of what was measured.
 *
 * @param input The measurements, and what they were made with.
 * @returns The row.
 */
export function benchRow(input: BenchRowInput): BenchRow {
  const { config, model, repetitions, promptTokens, tokens } = input;
  const { plan, offload, linkGigabytesPerSecond } = model;
  const { vramGigabytesPerSecond } = input;
  const tokensPerSecond = meanDeviation(
    repetitions.map((run) => run.tokensPerSecond),
  );
  const moved = movedBy(repetitions);
  const active = activeByteLength(config, {
    trunkByteLength: plan.trunkByteLength,
    embeddingByteLength: model.embeddingByteLength,
    expertByteLength: plan.expertByteLength,
    positionByteLength: plan.kvByteLength / input.contextLength,
    firstPosition: promptTokens,
    tokenCount: tokens,
  });
  const limits = roofline({
    missesPerToken: moved?.missesPerToken ?? 0,
    expertByteLength: plan.expertByteLength,
    activeByteLength: active,
    linkGigabytesPerSecond,
    vramGigabytesPerSecond,
  });
  const waitMs = repetitions.reduce((sum, run) => sum + run.waitMs, 0);
  return {
    attnBits: model.attnBits,
    expertBits: model.expertBits,
    slots: plan.slots,
    expertCount: config.numLocalExperts,
    policy: offload?.policy ?? null,
    prefetch: offload?.prefetch ?? null,
    residency: offload?.residency ?? null,
    stores: offload && storesOf(plan),
    expertByteLength: plan.expertByteLength,
    vramByteLength: plan.vramByteLength,
    promptTokens,
    tokens,
    promptTokensPerSecond: meanDeviation(
      repetitions.map((run) => run.promptTokensPerSecond),
    ),
    tokensPerSecond,
    waitMsPerToken: waitMs / (repetitions.length * tokens),
    hitRate: moved?.report.hitRate ?? null,
    missesPerToken: moved?.missesPerToken ?? null,
    linkByteLengthPerToken: moved?.report.byteLengthPerToken ?? null,
    hostMsPerToken: moved?.hostMsPerToken ?? null,
    linkGigabytesPerSecond,
    vramGigabytesPerSecond,
    activeByteLength: active,
    roofline: limits,
    rooflineShare: tokensPerSecond.mean / limits.tokensPerSecond,
    offload: moved?.report ?? null,
    ...model.profiler && {
      profile: profileReport(model.profiler.profile.phases(), {
        vramGigabytesPerSecond,
        linkGigabytesPerSecond,
      }, moved?.report.byteLengths ?? null),
    },
  };
}

/** What offloading did in all repetitions; `null` if it did nothing. */
function movedBy(repetitions: readonly Repetition[]) {
  const records = repetitions.map(({ offload }) => offload)
    .filter((record) => record !== null);
  if (records.length === 0) return null;
  const record = sumOf(records);
  const { tokenCount } = record;
  return {
    report: offloadReport(record),
    missesPerToken: missesOf(record) / tokenCount,
    hostMsPerToken: Object.fromEntries(
      Object.entries(record.timeMs).map(([phase, ms]) => [
        phase,
        ms / tokenCount,
      ]),
    ) as Record<OffloadPhase, number>,
  };
}

function missesOf({ layers }: OffloadRecord): number {
  return layers.reduce((sum, { misses }) => sum + misses, 0);
}

function storesOf({ stores }: Plan): string[] {
  return stores.map(({ kind }) => kind);
}
