import { assert, assertEquals } from "@std/assert";
import { attentionPartCount, isSplit, SPLIT_FROM } from "./attention_split.ts";

Deno.test("isSplit() splits from a number of seen positions on", () => {
  const last = SPLIT_FROM - 1; // sees SPLIT_FROM positions, its own included
  assertEquals(isSplit(last - 1, 0), false);
  assertEquals(isSplit(last, 0), true);
  assertEquals(isSplit(40_000, 0), true);
  assertEquals(isSplit(0, 0), false);
});

Deno.test("isSplit() counts what the window shows", () => {
  assertEquals(isSplit(40_000, SPLIT_FROM - 1), false);
  assertEquals(isSplit(40_000, SPLIT_FROM), true);
  assertEquals(isSplit(SPLIT_FROM - 2, 40_000), false);
});

Deno.test("isSplit() does not split where nobody knows the position", () => {
  assertEquals(isSplit(undefined, 0), false);
});

Deno.test("attentionPartCount() makes enough workgroups, but few parts to merge", () => {
  for (const kvHeadCount of [1, 2, 3, 8, 32, 128, 1000]) {
    for (const ratio of [1, 3, 4, 5, 8]) {
      const headCount = kvHeadCount * ratio;
      const count = attentionPartCount({ headDim: 8, headCount, kvHeadCount });
      assert(
        count >= 2 && count <= 32,
        `${headCount}, ${kvHeadCount}: ${count}`,
      );
      assertEquals(Math.log2(count) % 1, 0);
    }
  }
  assertEquals(
    attentionPartCount({ headDim: 128, headCount: 32, kvHeadCount: 8 }),
    32,
  );
});
