import { assertEquals } from "@std/assert";
import type { Progress } from "../model/upload.ts";
import { sumProgress } from "./sum_progress.ts";

Deno.test("sumProgress() adds what its parts have reported last", () => {
  const heard: Progress[] = [];
  const part = sumProgress("loading", (progress) => heard.push(progress));
  const [first, second] = [part(), part()];
  const bytes = { doneByteLength: 10, totalByteLength: 90 };
  first({ what: "a", done: 1, total: 9, ...bytes });
  second({ what: "b", done: 0, total: 4 });
  first({ what: "a", done: 5, total: 9, ...bytes, doneByteLength: 50 });
  assertEquals(heard, [
    { what: "loading", done: 1, total: 9, ...bytes },
    { what: "loading", done: 1, total: 13, ...bytes },
    { what: "loading", done: 5, total: 13, ...bytes, doneByteLength: 50 },
  ]);
});
