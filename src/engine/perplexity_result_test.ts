import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  compareWindows,
  summarizeWindows,
  type WindowResult,
} from "./perplexity_result.ts";

const windowsOf = (
  nlls: readonly number[],
  tokenCounts: readonly number[] = nlls.map(() => 10),
): WindowResult[] =>
  nlls.map((nll, index) => ({
    index,
    count: nlls.length,
    start: 10 * index,
    tokenCount: tokenCounts[index]!,
    nll,
    byteLength: 2 * tokenCounts[index]!,
  }));

Deno.test("summarizeWindows() takes each window as often as it has tokens", () => {
  const result = summarizeWindows(windowsOf([1, 2], [30, 10]));
  assertAlmostEquals(result.nll, 1.25);
  assertAlmostEquals(result.perplexity, Math.exp(1.25));
  assertAlmostEquals(result.bitsPerByte!, 1.25 / Math.LN2 / 2);
  assertEquals([result.tokenCount, result.windowCount], [40, 2]);
});

Deno.test("summarizeWindows() gives the standard error of a mean", () => {
  const { nll, nllError, perplexity, perplexityError } = summarizeWindows(
    windowsOf([1, 2, 4, 5]),
  );
  // Deviation of 1, 2, 4, 5: the root of 10 / 3; by the root of 4.
  assertAlmostEquals(nll, 3);
  assertAlmostEquals(nllError!, Math.sqrt(10 / 3) / 2);
  assertAlmostEquals(perplexityError!, perplexity * nllError!);
});

Deno.test("summarizeWindows() knows no error of one window, no bits without bytes", () => {
  const [window] = windowsOf([2]) as [WindowResult];
  const result = summarizeWindows([{ ...window, byteLength: null }]);
  assertEquals(result.nllError, null);
  assertEquals(result.perplexityError, null);
  assertEquals(result.bitsPerByte, null);
});

Deno.test("compareWindows() leaves out what both find hard", () => {
  const hard = [1, 2, 4, 5];
  const { share, shareError } = compareWindows(
    windowsOf(hard.map((nll) => nll + 0.1)),
    windowsOf([...hard, 9]),
  );
  assertAlmostEquals(share, Math.exp(0.1) - 1);
  assertAlmostEquals(shareError!, 0, 1e-9);
  const [one] = windowsOf([2]);
  assertEquals(compareWindows([one!], [one!]), { share: 0, shareError: null });
});
