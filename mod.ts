/**
 * Moeno: runs Mixture-of-Experts language models on any GPU that WebGPU reaches.
 *
 * @example
 * ```ts
 * import { load } from "./mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = await load("models/stories-17m", { contextLength: 256 });
 * const messages = [{ role: "user", content: "Tell me a story about a dog." }];
 * for await (const { text, final } of engine.chat(messages, { maxTokens: 9, temperature: 0 })) {
 *   if (final) assertEquals(final.text, "Once upon a time, there was a big dog.");
 *   else await Deno.stdout.write(new TextEncoder().encode(text));
 * }
 * ```
 *
 * @example Experts that do not fit on the GPU: three of each layer are there
 * ```ts
 * import { describePlan, load, offloadReport } from "./mod.ts";
 * import { assert } from "@std/assert";
 *
 * using engine = await load("models/stories-17m-q", {
 *   slots: 3,
 *   policy: "lru",
 *   onPlan: (plan) => console.error(describePlan(plan)),
 * });
 * for await (const { final } of engine.generate("Once upon a time", { maxTokens: 9 })) {
 *   if (!final?.offload) continue;
 *   const { hitRate, byteLengthPerToken } = offloadReport(final.offload);
 *   assert(hitRate! > 0 && byteLengthPerToken! > 0);
 * }
 * ```
 *
 * @module
 */

export {
  analyzeTrace,
  type AnalyzeTraceOptions,
  type TraceReport,
} from "./src/analysis/trace_report.ts";
export type { CountedTokensOptions } from "./src/analysis/counted_tokens.ts";
export {
  type ExpertUse,
  expertUse,
  type LayerUse,
} from "./src/analysis/expert_use.ts";
export {
  type CurveName,
  type HitRateCurve,
  hitRateCurves,
  type HitRateCurvesOptions,
  type HitRatePoint,
} from "./src/analysis/hit_rate_curves.ts";
export {
  type PrefetchRecall,
  prefetchRecall,
} from "./src/analysis/prefetch_recall.ts";
export {
  type SlotsComparison,
  type SlotsSuggestion,
  suggestSlots,
  type SuggestSlotsOptions,
} from "./src/analysis/suggest_slots.ts";
export { traceHtml } from "./src/analysis/trace_html.ts";
export { traceSvg } from "./src/analysis/trace_svg.ts";
export type {
  ActivationsOptions,
  ActivationsReport,
} from "./src/engine/activations.ts";
export {
  describeModel,
  type ModelByteLengths,
  type ModelDescription,
  type SpecialToken,
  type TokenizerDescription,
  type WeightsDescription,
} from "./src/engine/describe_model.ts";
export { ContextLengthError } from "./src/engine/context_length_error.ts";
export type { Finding, Verdict } from "./src/engine/doctor/check.ts";
export { DeviceLostError } from "./src/gpu/device_loss.ts";
export {
  type Diagnosis,
  doctor,
  type DoctorOptions,
} from "./src/engine/doctor/doctor.ts";
export { Engine } from "./src/engine/engine.ts";
export type { Experts } from "./src/engine/experts.ts";
export type { Change } from "./src/engine/forecast/changes.ts";
export type { Estimate, MachineCosts } from "./src/engine/forecast/estimate.ts";
export type { HelpfulChange } from "./src/engine/forecast/find_changes.ts";
export {
  type Forecast,
  forecast,
  type ForecastOptions,
  type SpeedAt,
} from "./src/engine/forecast/forecast.ts";
export type { HitRateSource } from "./src/engine/forecast/hit_rates.ts";
export type { Placement } from "./src/engine/forecast/placements.ts";
export type {
  OffloadedCosts,
  ResidentCosts,
} from "./src/engine/forecast/step_costs.ts";
export type { GpuFacts } from "./src/engine/gpu_facts.ts";
export type { StateInfo } from "./src/engine/engine_state.ts";
export type {
  FinishReason,
  GenerateResult,
  Piece,
  TopLogprob,
} from "./src/engine/generate.ts";
export { load } from "./src/engine/load.ts";
export {
  loadSynthetic,
  type SyntheticOptions,
} from "./src/engine/load_synthetic.ts";
export type { LoadOptions, WeightBits } from "./src/engine/load_options.ts";
export type { GenerationDefaults } from "./src/engine/generation_config.ts";
export type { GenerateOptions, PrefillProgress } from "./src/engine/options.ts";
export type { ResponseFormat } from "./src/engine/response_format.ts";
export {
  foretell,
  type ForetoldToken,
  type LogitsSource,
  perplexity,
  type PerplexityOptions,
  type PerplexityProgress,
} from "./src/engine/perplexity.ts";
export {
  compareWindows,
  type PerplexityChange,
  type PerplexityResult,
  summarizeWindows,
  type WindowResult,
} from "./src/engine/perplexity_result.ts";
export type { WindowOptions } from "./src/engine/perplexity_windows.ts";
export type { TuningReport, TuningWish } from "./src/engine/open_gpu.ts";
export type {
  KernelReport,
  PhaseReport,
  ProfileRates,
  ProfileReport,
} from "./src/engine/profile_report.ts";
export type { PhaseName } from "./src/gpu/profile.ts";
export type { PromptCacheStats } from "./src/engine/prompt_cache.ts";
export { quantizeModel } from "./src/engine/quantize_model.ts";
export type {
  QuantizeModelOptions,
  QuantizeResult,
} from "./src/engine/quantize_options.ts";
export type { Environment } from "./src/io/home.ts";
export {
  type Roofline,
  roofline,
  type RooflineInput,
} from "./src/engine/roofline.ts";
export { verify } from "./src/engine/verify.ts";
export type {
  VerifyMachine,
  VerifyOptions,
} from "./src/engine/verify_options.ts";
export type {
  VerifyCheck,
  VerifyRow,
  VerifyVerdict,
} from "./src/engine/verify_row.ts";
export type { Activations } from "./src/gpu/activations.ts";
export type { Tuning } from "./src/gpu/tuning.ts";
export { findModel } from "./src/hub/find_model.ts";
export {
  listModels,
  type LocalModel,
  type ModelPlaces,
} from "./src/hub/local_models.ts";
export type { HubFile, ModelId, PulledModel } from "./src/hub/models_folder.ts";
export type { ModelFile } from "./src/hub/model_files.ts";
export { pull } from "./src/hub/pull.ts";
export type {
  FileProgress,
  PullOptions,
  PullPlan,
  PullProgress,
  PullResult,
} from "./src/hub/pull_options.ts";
export type { RetryNotice } from "./src/hub/retry.ts";
export type { SelectOptions } from "./src/hub/select_files.ts";
export type { ModelConfig } from "./src/model/config.ts";
export type { ParameterCounts } from "./src/model/count_parameters.ts";
export type { Packing } from "./src/model/stored_matrix.ts";
export {
  type TracedModel,
  TraceRecorder,
} from "./src/engine/trace_recorder.ts";
export type { Progress } from "./src/model/upload.ts";
export type {
  RoutingListener,
  RoutingRecord,
} from "./src/model/routing_reader.ts";
export type { SyntheticShape } from "./src/model/synthetic_shapes.ts";
export type { SyntheticWeightsOptions } from "./src/model/synthetic_weights.ts";
export { formatByteLength, parseByteLength } from "./src/io/byte_length.ts";
export { describePlan } from "./src/offload/describe_plan.ts";
export {
  type OffloadReport,
  offloadReport,
  type OffloadSummary,
} from "./src/offload/describe_stats.ts";
export type { PolicyName } from "./src/offload/eviction.ts";
export type {
  ExpertActivity,
  ExpertListener,
} from "./src/offload/expert_watch.ts";
export type { ModelSizes } from "./src/offload/model_sizes.ts";
export {
  type ByteCause,
  type LayerRecord,
  type OffloadPhase,
  type OffloadRecord,
  OffloadStats,
  type UseCounts,
} from "./src/offload/offload_stats.ts";
export {
  type AdapterGrants,
  type PlacementOptions,
  type Plan,
  planPlacement,
} from "./src/offload/placement.ts";
export type {
  ResidencyMode,
  ResidencyWish,
} from "./src/offload/plan_residency.ts";
export type { SlotsPlanOptions } from "./src/offload/plan_slots.ts";
export type { StoreKind, StorePart } from "./src/offload/plan_stores.ts";
export type { PrefetchMode } from "./src/offload/prefetch_switch.ts";
export {
  belady,
  type BeladyOptions,
  replay,
  type ReplayCounts,
  type ReplayOptions,
  type ReplayResult,
} from "./src/offload/replay.ts";
export {
  expertsAt,
  guessAt,
  NO_EXPERT,
  parseTrace,
  type RoutingTrace,
  type TokenKind,
} from "./src/offload/routing_trace.ts";
export type { TraceHeader } from "./src/offload/trace_header.ts";
export {
  type ExpertCounts,
  type OffloadConfig,
  parseSlots,
  type SlotsOptions,
  type SlotsWish,
} from "./src/offload/slots_wish.ts";
export { offloadTable } from "./src/offload/stats_table.ts";
export type { SyntheticRouting } from "./src/offload/synthetic_routing.ts";
export { type TraceRecord, TraceWriter } from "./src/offload/trace_writer.ts";
export type { UseHistoryOptions } from "./src/offload/use_history.ts";
export type { Message } from "./src/text/chat_template.ts";
export {
  type DecodeOptions,
  type EncodeOptions,
  Tokenizer,
} from "./src/text/tokenizer.ts";

if (import.meta.main) {
  // The library does not pay for the program.
  const { main } = await import("./src/cli/main.ts");
  Deno.exit(await main(Deno.args));
}
export type { AnswerRecord } from "./src/server/openai/answer.ts";
export type { Usage } from "./src/server/openai/answer_format.ts";
export type { RequestRecord } from "./src/server/request_record.ts";
export { serve, type Server } from "./src/server/serve.ts";
export type { ServeOptions } from "./src/server/serve_options.ts";
export type { ServedEngine } from "./src/server/served_engine.ts";
