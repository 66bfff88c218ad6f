import { assertEquals, assertStringIncludes } from "@std/assert";
import type { VerifyRow, VerifyVerdict } from "../../engine/verify_row.ts";
import { verifyAdvice } from "./verify_advice.ts";

function way(
  verdict: VerifyVerdict,
  options: Record<string, string>,
): VerifyRow {
  return {
    ...{ check: "cache", what: "", against: "", verdict, options },
    ...{ idCount: 1, rowCount: 1, difference: 0, relativeDifference: 0 },
    ...{ tolerance: 0, notes: [] },
  };
}

const GPU = { residency: "gpu", prefetch: "off", policy: "lru" };
const CPU = { residency: "cpu", prefetch: "off", policy: "lru" };

Deno.test("verifyAdvice() says nothing where nothing differs", () => {
  assertEquals(verifyAdvice([way("same", GPU), way("skipped", CPU)]), []);
});

Deno.test("verifyAdvice() names what only ways that fail have", () => {
  const [first, report] = verifyAdvice([
    way("different", GPU),
    way("different", { ...GPU, policy: "lfu", prefetch: "next-layer" }),
    way("same", CPU),
  ]);
  assertEquals(
    first,
    "Only residency gpu answers otherwise: --residency cpu avoids it.",
  );
  assertStringIncludes(report!, "moeno doctor --json");
  const disk = { ...CPU, store: "disk" };
  assertStringIncludes(
    verifyAdvice([way("different", disk), way("same", CPU)])[0]!,
    "--store pinned or array-buffer avoids it",
  );
});

Deno.test("verifyAdvice() knows a way out where all ways fail, or no option tells", () => {
  const all = [way("different", GPU), way("different", CPU)];
  assertStringIncludes(verifyAdvice(all)[0]!, "--slots with all experts");
  const mixed = [...all, way("same", CPU), way("same", GPU)];
  assertStringIncludes(verifyAdvice(mixed)[0]!, "--slots with all experts");
});
