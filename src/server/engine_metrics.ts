import type { PromptCacheStats } from "../engine/prompt_cache.ts";
import { expertMetrics } from "./live/expert_metrics.ts";
import type { Metric } from "./prometheus.ts";
import type { ServedEngine } from "./served_engine.ts";

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
    {
      name: "moeno_context_tokens",
      help: "Positions of the KV cache",
      type: "gauge",
      samples: [{ value: contextLength }],
    },
    ...expertMetrics(experts.plan, offloadStats?.snapshot() ?? null),
    ...promptCache === null ? [] : promptCacheMetrics(promptCache),
  ];
}

function promptCacheMetrics(
  { byteLength, byteLimit, count, hits, savedTokens, evictions }:
    PromptCacheStats,
): Metric[] {
  const metrics: [Metric["type"], string, string, number][] = [
    ["gauge", "bytes", "Memory of conversations that wait", byteLength],
    ["gauge", "limit_bytes", "The most that they may take", byteLimit],
    ["gauge", "conversations", "How many wait", count],
    ["counter", "hits_total", "Prompts that went on from one of them", hits],
    ["counter", "saved_tokens_total", "Tokens not run again", savedTokens],
    ["counter", "evictions_total", "Those forgotten for room", evictions],
  ];
  return metrics.map(([type, name, help, value]) => ({
    name: `moeno_prompt_cache_${name}`,
    help,
    type,
    samples: [{ value }],
  }));
}

/**
 * Says what the process takes, by the names that all Prometheus clients use.
 *
 * @returns The metrics.
 */
export function processMetrics(): Metric[] {
  return [
    {
      name: "process_resident_memory_bytes",
      help: "Memory of the process",
      type: "gauge",
      samples: [{ value: Deno.memoryUsage().rss }],
    },
    {
      name: "process_start_time_seconds",
      help: "When the process began, since 1970",
      type: "gauge",
      samples: [{ value: START_SECONDS }],
    },
  ];
}
