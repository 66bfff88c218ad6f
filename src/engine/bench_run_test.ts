import { assert, assertEquals } from "@std/assert";
import { OffloadStats } from "../offload/offload_stats.ts";
import { inOrder, type MeasuredModel, runOnce } from "./bench_run.ts";

/** Each id is followed by twice as much; layer 0 misses once a decoded token. */
function doublingModel() {
  const offloadStats = new OffloadStats(1);
  const calls: [ids: number[], position: number][] = [];
  const model = {
    contextLength: 20,
    waitMs: 0,
    offloadStats,
    forward(ids: readonly number[], position: number) {
      calls.push([[...ids], position]);
      model.waitMs += ids.length;
      if (ids.length === 1) {
        offloadStats.countTokens();
        offloadStats.countUses(0, { hits: 1, misses: 1 });
      } else {
        offloadStats.countPrefillUses(0, { hits: 0, misses: ids.length });
      }
      const logits = new Float32Array(64);
      logits[ids.at(-1)! * 2] = 1;
      return Promise.resolve(logits);
    },
  };
  return { model: model satisfies MeasuredModel, calls };
}

Deno.test("runOnce() runs a prompt and as many tokens as wanted, each time anew", async () => {
  const { model, calls } = doublingModel();
  for (let i = 0; i < 2; i++) {
    calls.length = 0;
    const run = await runOnce(model, { prompt: [9, 8, 1], tokenCount: 4 });
    assertEquals(calls, [
      [[9, 8, 1], 0],
      [[2], 3],
      [[4], 4],
      [[8], 5],
      [[16], 6],
    ]);
    assertEquals(run!.ids, [2, 4, 8, 16]);
    assert(run!.promptTokensPerSecond > 0 && run!.tokensPerSecond > 0);
  }
});

Deno.test("runOnce() counts what the tokens after the prompt did, no more", async () => {
  const { model } = doublingModel();
  await runOnce(model, { prompt: [9, 8, 1], tokenCount: 4 });
  const run = await runOnce(model, { prompt: [9, 8, 1], tokenCount: 4 });
  assertEquals(run!.waitMs, 4);
  assertEquals(run!.offload!.tokenCount, 4);
  const [layer] = run!.offload!.layers;
  assertEquals([layer!.hits, layer!.misses, layer!.prefillMisses], [4, 4, 0]);
});

Deno.test("runOnce() gives nothing if it is aborted", async () => {
  const { model, calls } = doublingModel();
  assertEquals(
    await runOnce(model, {
      prompt: [1],
      tokenCount: 4,
      signal: AbortSignal.abort(),
    }),
    null,
  );
  assertEquals(calls, []);
});

Deno.test("inOrder() makes each id follow the one before it, and 0 the last", async () => {
  const { model, calls } = doublingModel();
  const run = await runOnce(inOrder(model, 64), {
    prompt: [60, 61],
    tokenCount: 4,
  });
  assertEquals(run!.ids, [62, 63, 0, 1]);
  assertEquals(calls.slice(1).map(([ids]) => ids), [[62], [63], [0], [1]]);
  assertEquals(run!.offload!.layers[0]!.misses, 4);
});

Deno.test("inOrder() tells a model that runs ahead what to run", async () => {
  const { model, calls } = doublingModel();
  const told: (readonly number[] | undefined)[] = [];
  const ahead: MeasuredModel = {
    ...model,
    aheadLimit: 8,
    async pickAhead(id, where) {
      told.push(where.told);
      const ids = [id, ...where.told!].slice(0, where.count);
      for (const [i, run] of ids.entries()) {
        await model.forward([run], where.position + i);
      }
      return ids.map(() => 7); // whatever it would say by itself
    },
  };
  const prompt = [60, 61];
  const run = await runOnce(inOrder(ahead, 64), { prompt, tokenCount: 6 });
  assertEquals(run!.ids, [62, 63, 0, 1, 2, 3]);
  assertEquals(
    calls.slice(1),
    [62, 63, 0, 1, 2, 3].map((id, i) => [[id], 2 + i]),
  );
  assertEquals(told.flat(), [63, 0, 1, 2, 3, 4]); // each is told once
});
