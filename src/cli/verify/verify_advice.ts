import type { VerifyRow } from "../../engine/verify_row.ts";

/** By option and value: what to do without it. */
const WAYS_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  residency: { gpu: "--residency cpu", cpu: "--residency gpu" },
  prefetch: { "next-layer": "--prefetch off" },
  store: {
    "disk": "--store pinned or array-buffer",
    "array-buffer": "--store pinned",
  },
  policy: { "lfu": "--policy lru", "class-lru": "--policy lru" },
};

/**
 * Says what to do about comparisons that failed.
 *
 * @param rows All rows.
 * @returns Sentences; none if nothing failed.
 */
export function verifyAdvice(rows: readonly VerifyRow[]): string[] {
  const failed = rows.filter(({ verdict }) => verdict === "different");
  if (failed.length === 0) return [];
  const has = (check: VerifyRow["check"]) =>
    failed.some((row) => row.check === check);
  const advice: string[] = [];
  if (has("cache")) advice.push(adviseOnCache(rows));
  if (has("seed")) {
    advice.push(
      "The same run gave two answers: memory or driver may be at fault; update " +
        "the driver, and undo any overclocking.",
    );
  }
  if (has("reference") || has("prefill")) {
    advice.push(
      "The GPU computes something else: try --no-tuning, and another driver.",
    );
  }
  advice.push(
    "To report it: moeno verify --json with the same flags, and moeno doctor --json.",
  );
  return advice;
}

/** What failing ways have in common and good ones have not. */
function adviseOnCache(rows: readonly VerifyRow[]): string {
  const ways = rows.filter(({ check, verdict }) =>
    check === "cache" && verdict !== "skipped"
  );
  const [failed, good] = ["different", "same"]
    .map((wanted) => ways.filter(({ verdict }) => verdict === wanted));
  for (const [option, byValue] of Object.entries(WAYS_OUT)) {
    const value = failed![0]!.options?.[option];
    const wayOut = byValue[String(value)];
    const isCommon = failed!.every(({ options }) =>
      options?.[option] === value
    );
    const isApart = good!.every(({ options }) => options?.[option] !== value);
    if (wayOut === undefined || !isCommon || !isApart) continue;
    return good!.length === 0
      ? `Every way that offloads experts answers otherwise; try ${wayOut}, or ` +
        "--slots with all experts."
      : `Only ${option} ${value} answers otherwise: ${wayOut} avoids it.`;
  }
  return "Experts off the GPU change the answer: --slots with all experts " +
    "avoids it, if the VRAM holds them.";
}
