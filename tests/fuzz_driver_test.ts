/** Whether fuzzing would notice anything. */

import { assertEquals, assertMatch } from "@std/assert";
import { TARGETS } from "./fuzz/_bad_targets.ts";
import { fuzz } from "./fuzz/_driver.ts";
import type { Failure } from "./fuzz/_job.ts";
import { failureText } from "./fuzz/_report.ts";

const options = { seed: 1, silenceMs: 8000, module: "./_bad_targets.ts" };

Deno.test("fuzz() notices every bad outcome, and goes on", async () => {
  const results = await fuzz({ ...options, targets: TARGETS });
  const failures = new Map<string, Failure>();
  for (const { target, failure } of results) {
    if (failure !== undefined) failures.set(target, failure);
  }
  assertEquals(results.map(({ target }) => target), TARGETS.map((t) => t.name));
  const says = (target: string, what: RegExp) =>
    assertMatch(failures.get(target)?.what ?? "nothing", what);
  assertEquals(failures.has("fine") || failures.has("fine again"), false);
  says("raw", /^no sentence: "Cannot read properties of null/);
  says("stack", /^controls: /);
  says("memory", /memory grew by \d+ MiB|\d+ MiB of memory/);
  says("file elsewhere", /leads elsewhere/);
  says("file elsewhere, told well", /leads elsewhere/);
  says("end of the process", /^the process ended with code 3/);
  says("hang", /^no end after 8 s/);
  // Shrunk to where it begins.
  assertEquals(failures.get("raw")?.input, "500");
});

Deno.test("fuzz() repeats the case that its report names", async () => {
  const target = { name: "raw", cases: 100 };
  const [first] = await fuzz({ ...options, targets: [target] });
  const { path, input } = first!.failure!;
  const [again] = await fuzz({ ...options, targets: [target], path });
  assertEquals(again!.failure!.input, input);
  assertMatch(
    failureText(first!, 1),
    /again: deno task fuzz --target raw --seed 1 --case [\d:]+$/,
  );
});
