import { assert, assertEquals } from "@std/assert";
import { OffloadStats } from "../../offload/offload_stats.ts";
import { expertMetrics } from "./expert_metrics.ts";
import { prometheusText } from "./prometheus.ts";

const PLAN = { slots: [2, 8], vramByteLength: 4096 };

Deno.test("expertMetrics() counts by layer, result and cause", () => {
  const stats = new OffloadStats(2);
  stats.countUses(1, { hits: 3, misses: 2, evictions: 1 });
  stats.countPrefillUses(1, { hits: 0, misses: 7 });
  stats.countBytes(0, { cause: "prefetchUsed", byteLength: 10 });
  stats.countBytes(1, { cause: "prefetchUsed", byteLength: 20 });
  stats.countGuess(1, { guess: [4, 5, 6], experts: [5, 7] });
  const text = prometheusText(expertMetrics(PLAN, stats.snapshot()));
  const name = "moeno_expert_uses_total";
  for (
    const line of [
      `# TYPE ${name} counter`,
      `${name}{layer="0",phase="decode",result="hit"} 0`,
      `${name}{layer="1",phase="decode",result="hit"} 3`,
      `${name}{layer="1",phase="decode",result="miss"} 2`,
      `${name}{layer="1",phase="prefill",result="miss"} 7`,
      'moeno_expert_evictions_total{layer="1"} 1',
      'moeno_bytes_moved_total{cause="prefetch_used"} 30',
      'moeno_guess_uses_total{depth="2"} 2',
      'moeno_guess_hits_total{depth="1"} 0',
      'moeno_guess_hits_total{depth="2"} 1',
      'moeno_expert_slots{layer="1"} 8',
      "moeno_vram_planned_bytes 4096",
    ]
  ) assert(text.split("\n").includes(line), line);
});

Deno.test("expertMetrics() counts nothing where nothing is offloaded", () => {
  const names = expertMetrics(PLAN, null).map(({ name }) => name);
  assertEquals(names, ["moeno_expert_slots", "moeno_vram_planned_bytes"]);
});
