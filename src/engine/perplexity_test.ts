import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import {
  foretell,
  type LogitsSource,
  perplexity,
  type PerplexityProgress,
} from "./perplexity.ts";

/**
 * A model of four ids: after id i comes i + 1 with 1/2, any other with 1/6. Its
 * logits are large, as those of real models are not.
 *
 * @param rowCount How many rows come at once.
 */
function fakeSource(rowCount = 3): LogitsSource & { ran: number[][] } {
  const ran: number[][] = [];
  return {
    config: { vocabSize: 4 },
    ran,
    async *logitRows(ids) {
      ran.push([...ids]);
      for (let at = 0; at < ids.length; at += rowCount) {
        const some = ids.slice(at, at + rowCount);
        yield Float32Array.from(
          some.flatMap((id) =>
            [0, 1, 2, 3].map((next) =>
              1000 + Math.log(next === (id + 1) % 4 ? 1 / 2 : 1 / 6)
            )
          ),
        );
      }
    },
  };
}

/** 0 1 2 3 is what the model expects; 0 after 3, too. */
const TEXT = [0, 1, 2, 3, 0, 1, 3, 3, 0, 1];

Deno.test("perplexity() is e to the mean negative log-likelihood", async () => {
  const source = fakeSource();
  const result = await perplexity(source, TEXT, { windowLength: 5 });
  assertEquals(source.ran, [[0, 1, 2, 3, 0], [1, 3, 3, 0, 1]]);
  // Two of eight are not what was expected: 1 to 3, 3 to 3.
  const nll = (6 * Math.log(2) + 2 * Math.log(6)) / 8;
  assertAlmostEquals(result.nll, nll, 1e-4);
  assertAlmostEquals(result.perplexity, Math.exp(nll), 1e-3);
  assertEquals([result.tokenCount, result.windowCount], [8, 2]);
  assertEquals(result.bitsPerByte, null);
});

Deno.test("perplexity() does not depend on how many rows come at once", async () => {
  const options = { windowLength: 6, stride: 2 };
  const wanted = await perplexity(fakeSource(1), TEXT, options);
  for (const rowCount of [2, 3, 5, 6, 7]) {
    assertEquals(await perplexity(fakeSource(rowCount), TEXT, options), wanted);
  }
});

Deno.test("foretell() counts the last tokens of windows that overlap", async () => {
  const source = fakeSource();
  const heard: [number, number][] = [];
  const windows = await Array.fromAsync(foretell(source, TEXT, {
    windowLength: 6,
    stride: 4,
    byteLengthOf: (id) => id + 1,
    onLogits: ({ window, id, logits, normalizer }) => {
      heard.push([window, id]);
      assertAlmostEquals(normalizer, 1000, 1e-3);
      assertEquals(logits.length, 4);
    },
  }));
  assertEquals(source.ran, [TEXT.slice(0, 6), TEXT.slice(4, 10)]);
  assertEquals(heard, [
    ...TEXT.slice(1, 6).map((id): [number, number] => [0, id]),
    ...TEXT.slice(6, 10).map((id): [number, number] => [1, id]),
  ]);
  assertEquals(
    windows.map(({ start, tokenCount, byteLength }) => [
      start,
      tokenCount,
      byteLength,
    ]),
    [[0, 5, 12], [4, 4, 11]],
  );
});

Deno.test("foretell() puts a token before each window, and foretells all of it", async () => {
  const source = fakeSource();
  const windows = await Array.fromAsync(
    foretell(source, TEXT, { windowLength: 4, prefixId: 3, windowCount: 2 }),
  );
  assertEquals(source.ran, [[3, 0, 1, 2], [3, 3, 0, 1]]);
  assertEquals(windows.map(({ tokenCount }) => tokenCount), [3, 3]);
  assertAlmostEquals(windows[0]!.nll, Math.LN2, 1e-4);
});

Deno.test("foretell() tells how far it is, and stops within a window", async () => {
  const controller = new AbortController();
  const told: PerplexityProgress[] = [];
  const windows = await Array.fromAsync(foretell(fakeSource(2), TEXT, {
    windowLength: 5,
    signal: controller.signal,
    onProgress(progress) {
      told.push(progress);
      if (progress.doneTokenCount === 7) controller.abort();
    },
  }));
  assertEquals(told.map(({ doneTokenCount }) => doneTokenCount), [2, 4, 5, 7]);
  assertEquals(
    new Set(told.map(({ tokenCount }) => tokenCount)),
    new Set([10]),
  );
  assertAlmostEquals(told[2]!.nll, windows[0]!.nll);
  assertEquals(windows.length, 1);
  const { signal } = controller;
  await assertRejects(
    () => perplexity(fakeSource(), TEXT, { windowLength: 5, signal }),
    DOMException,
  );
});
