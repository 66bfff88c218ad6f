import { assertEquals, assertThrows } from "@std/assert";
import { textWindows, type WindowOptions } from "./perplexity_windows.ts";

const cut = (tokenCount: number, options?: WindowOptions) =>
  textWindows(tokenCount, options)
    .map(({ start, end, countFrom }) => [start, end, countFrom]);

Deno.test("textWindows() leaves out a last, shorter window", () => {
  assertEquals(cut(1535), [[0, 512, 1], [512, 1024, 1]]);
  assertEquals(cut(512), [[0, 512, 1]]);
  assertEquals(cut(9, { windowLength: 3 }).length, 3);
  assertEquals(cut(9, { windowLength: 3, windowCount: 2 }).length, 2);
  assertEquals(cut(9, { windowLength: 3, windowCount: 9 }).length, 3);
});

Deno.test("textWindows() counts each token once where windows overlap", () => {
  assertEquals(cut(10, { windowLength: 6, stride: 2 }), [
    [0, 6, 1],
    [2, 8, 4],
    [4, 10, 4],
  ]);
  for (const prefixId of [undefined, 1]) {
    for (let stride = 1; stride <= (prefixId === undefined ? 6 : 5); stride++) {
      const seen = new Array(20).fill(0);
      const before = prefixId === undefined ? 0 : 1;
      const windows = cut(20, { windowLength: 6, stride, prefixId });
      for (
        const [start, end, countFrom] of windows as [number, number, number][]
      ) {
        assertEquals(end - start + before, 6);
        for (let t = start + countFrom - before; t < end; t++) seen[t]++;
      }
      const last = windows.at(-1)![1]!;
      // Without a token before them, first tokens cannot be foretold.
      const isFirst = (t: number) =>
        before === 0 && (t === 0 || (stride === 6 && t % 6 === 0));
      const wanted = seen.map((_, t) => t < last && !isFirst(t) ? 1 : 0);
      assertEquals(seen, wanted, `stride ${stride}, ${before} before`);
      assertEquals(
        last > 20 - stride,
        true,
        `stride ${stride}: ends at ${last}`,
      );
    }
  }
});

Deno.test("textWindows() puts one token less of the text behind another", () => {
  assertEquals(cut(8, { windowLength: 4, prefixId: 7 }), [[0, 3, 1], [
    3,
    6,
    1,
  ]]);
  assertEquals(cut(8, { windowLength: 4, stride: 2, prefixId: 7 }), [
    [0, 3, 1],
    [2, 5, 2],
    [4, 7, 2],
  ]);
});

Deno.test("textWindows() says in a sentence what does not go", () => {
  const cases: [number, WindowOptions, string][] = [
    [511, {}, "the text has 511 tokens, wanted at least 512, or a shorter"],
    [0, { windowLength: 2 }, "the text has 0 tokens, wanted at least 2"],
    [9, { windowLength: 1 }, "with a window of 1: wanted a whole number of at"],
    [9, { windowLength: 2.5 }, "with a window of 2.5: wanted a whole number"],
    [
      9,
      { windowLength: 4, stride: 5 },
      "a stride of 5: wanted a whole number from 1 to 4",
    ],
    [
      9,
      { windowLength: 4, stride: 4, prefixId: 1 },
      "of 4: wanted a whole number from 1 to 3",
    ],
    [9, { windowLength: 4, windowCount: 0 }, "with a number of windows of 0"],
  ];
  for (const [tokenCount, options, message] of cases) {
    assertThrows(() => textWindows(tokenCount, options), RangeError, message);
  }
});
