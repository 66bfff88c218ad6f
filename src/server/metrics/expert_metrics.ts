import type { ByteCause, OffloadRecord } from "../../offload/offload_stats.ts";
import type { Plan } from "../../offload/placement.ts";
import { type Metric, one, type Sample } from "./prometheus.ts";

/** How Prometheus has the reasons for which bytes are moved. */
const CAUSES: Readonly<Record<ByteCause, string>> = {
  demand: "demand",
  prefetchUsed: "prefetch_used",
  prefetchWasted: "prefetch_wasted",
  prefill: "prefill",
};

/**
 * Says where experts are and what became of them, by layer.
 *
 * @param plan What went where.
 * @param record What offloading counted; `null` if all experts are on the GPU.
 * @returns The metrics; without offloading there is nothing to count.
 */
export function expertMetrics(
  plan: Pick<Plan, "slots" | "vramByteLength">,
  record: OffloadRecord | null,
): Metric[] {
  return [
    {
      name: "moeno_expert_slots",
      help: "Experts that have room on the GPU, by layer",
      type: "gauge",
      samples: plan.slots.map((value, layer) => ({ labels: { layer }, value })),
    },
    one(
      "gauge",
      "moeno_vram_planned_bytes",
      "Bytes on the GPU, as planned: weights, slots, KV cache and room",
      plan.vramByteLength,
    ),
    ...record === null ? [] : countsOf(record),
  ];
}

function countsOf({ layers }: OffloadRecord): Metric[] {
  const byLayer = (
    samples: (counts: OffloadRecord["layers"][number]) => Sample[],
  ) =>
    layers.flatMap((counts, layer) =>
      samples(counts).map(({ labels, value }) => ({
        labels: { layer, ...labels },
        value,
      }))
    );
  const sum = (of: (counts: OffloadRecord["layers"][number]) => number) =>
    layers.reduce((total, counts) => total + of(counts), 0);
  const depths = [...layers[0]?.guessUses.keys() ?? []];
  return [
    {
      name: "moeno_expert_uses_total",
      help: "Uses of offloaded experts, each chunk of a prompt counted once",
      type: "counter",
      samples: byLayer((counts) => [
        use("decode", "hit", counts.hits),
        use("decode", "miss", counts.misses),
        use("prefill", "hit", counts.prefillHits),
        use("prefill", "miss", counts.prefillMisses),
      ]),
    },
    {
      name: "moeno_expert_evictions_total",
      help: "Experts that lost their slot to another",
      type: "counter",
      samples: byLayer(({ evictions }) => [{ value: evictions }]),
    },
    {
      name: "moeno_bytes_moved_total",
      help: "Bytes of experts that were moved to the GPU",
      type: "counter",
      samples: Object.entries(CAUSES).map(([cause, label]) => ({
        labels: { cause: label },
        value: sum(({ byteLengths }) => byteLengths[cause as ByteCause]),
      })),
    },
    {
      name: "moeno_guess_uses_total",
      help: "Experts used for which as many were guessed as depth says",
      type: "counter",
      samples: depths.map((i) => ({
        labels: { depth: i + 1 },
        value: sum(({ guessUses }) => guessUses[i]!),
      })),
    },
    {
      name: "moeno_guess_hits_total",
      help: "Those of them that were among the guessed ones",
      type: "counter",
      samples: depths.map((i) => ({
        labels: { depth: i + 1 },
        value: sum(({ guessHits }) => guessHits[i]!),
      })),
    },
  ];
}

function use(
  phase: "decode" | "prefill",
  result: "hit" | "miss",
  value: number,
): Sample {
  return { labels: { phase, result }, value };
}
