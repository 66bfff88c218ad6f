/** Targets with every outcome that is not to be, each from some input on. */

import fc from "npm:fast-check@4.11.0";
import { readJson } from "../../src/io/json_file.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

const kept: Uint8Array[] = [];

const bad = (name: string, feed: (x: number) => unknown): Target<number> => ({
  name,
  cases: 100,
  inputs: fc.nat(1000),
  feed: (x) => verdictOf(() => x < 500 ? undefined : feed(x)),
});

/** What the driver has to notice. */
export const TARGETS: readonly Target<number>[] = [
  bad("fine", () => {
    throw new Error("Cannot take it: it is large, wanted less");
  }),
  bad("raw", (x) => (null as unknown as number[])[x]!.toFixed()),
  bad("stack", (x) => {
    throw new Error(`Cannot take it:\n    at file:///x.ts:${x}`);
  }),
  bad("memory", () => void kept.push(new Uint8Array(3e8).fill(1))),
  bad("file elsewhere", () => Deno.readTextFileSync("/etc/hostname")),
  bad("file elsewhere, told well", () => readJson("/etc/hostname")),
  bad("end of the process", () => Deno.exit(3)),
  bad("hang", () => {
    // As `while (true)` does, but leaves the processor to others.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }),
  bad("fine again", () => {}),
];
