import type { PromptCacheStats } from "../../engine/prompt_cache.ts";
import type { ServedEngine } from "../served_engine.ts";
import { expertMetrics } from "./expert_metrics.ts";
import { type Metric, one } from "./prometheus.ts";

/** When this process began, in seconds since 1970. */
const START_SECONDS = (Date.now() - performance.now()) / 1000;

/**
 * Says what is served, and what its experts did.
 *
 * @param engine The model.
 * @returns The metrics.
 */
export function engineMetrics(
  { name, adapter, contextLength, experts, offloadStats, promptCache }:
    ServedEngine,
): Metric[] {
  return [
    {
      name: "moeno_model_info",
      help: "What is served, and on what",
      type: "gauge",
      samples: [{ labels: { model: name, adapter }, value: 1 }],
    },
    one(
      "gauge",
      "moeno_context_tokens",
      "Positions of the KV cache",
      contextLength,
    ),
    ...expertMetrics(experts.plan, offloadStats?.snapshot() ?? null),
    ...promptCache === null ? [] : promptCacheMetrics(promptCache),
  ];
}

function promptCacheMetrics(
  { byteLength, byteLimit, count, hits, savedTokens, evictions }:
    PromptCacheStats,
): Metric[] {
  const metrics: ["gauge" | "counter", string, string, number][] = [
    ["gauge", "bytes", "Memory of conversations that wait", byteLength],
    ["gauge", "limit_bytes", "The most that they may take", byteLimit],
    ["gauge", "conversations", "How many wait", count],
    ["counter", "hits_total", "Prompts that went on from one of them", hits],
    ["counter", "saved_tokens_total", "Tokens not run again", savedTokens],
    ["counter", "evictions_total", "Those forgotten for room", evictions],
  ];
  return metrics.map(([type, name, help, value]) =>
    one(type, `moeno_prompt_cache_${name}`, help, value)
  );
}

/**
 * Says what the process takes, by the names that all Prometheus clients use.
 *
 * @returns The metrics.
 */
export function processMetrics(): Metric[] {
  return [
    one(
      "gauge",
      "process_resident_memory_bytes",
      "Memory of the process",
      Deno.memoryUsage().rss,
    ),
    one(
      "gauge",
      "process_start_time_seconds",
      "When the process began, since 1970",
      START_SECONDS,
    ),
  ];
}
