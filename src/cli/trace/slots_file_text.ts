import type { TraceReport } from "../../analysis/trace_report.ts";
import { harmlessLine } from "../../io/harmless.ts";

/**
 * Writes a file that `--slots` reads: suggested slots, a line for each layer, and
 * where they come from.
 *
 * @param report The report, which suggests some.
 * @param path The trace.
 * @returns The text.
 */
export function slotsFileText(report: TraceReport, path: string): string {
  const { slots, policy, hitRate, evenHitRate, heldOut } = report.suggestion!;
  const total = slots.reduce((sum, count) => sum + count, 0);
  const compared = (rates: { hitRate: number; evenHitRate: number }) =>
    `${percent(rates.hitRate)} of hits, even slots ${
      percent(rates.evenHitRate)
    }`;
  return [
    `# ${total} slots of ${harmlessLine(report.model)}, from ${
      harmlessLine(path)
    }`,
    `# ${policy}, on ${report.use.tokenCount} tokens: ${
      compared({ hitRate, evenHitRate })
    }`,
    ...heldOut === null ? [] : [
      `# found on their first half, on the second: ${compared(heldOut)}`,
    ],
    ...slots.map((count, layer) => `${count} # layer ${layer}`),
    "",
  ].join("\n");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
