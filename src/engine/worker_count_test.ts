import { assertEquals } from "@std/assert";
import { chooseWorkerCount } from "./worker_count.ts";

/** A trunk that stays as it is, and 24 matrices of Mixtral's experts. */
const SIZES = [[], Array<number>(24).fill(14336 * 4096)];
const GB = 1e9;

Deno.test("chooseWorkerCount() takes all cores where the memory allows it", () => {
  const count = (coreCount: number, freeByteLength: number) =>
    chooseWorkerCount(SIZES, { coreCount, freeByteLength }, undefined);
  assertEquals(count(8, 64 * GB), 8);
  assertEquals(count(16, 8 * GB), 7); // 0.94 GB for each, and for the thread
  assertEquals(count(16, 0), 1);
  assertEquals(count(128, 512 * GB), 24); // no more than there are matrices
});

Deno.test("chooseWorkerCount() does as it is told, up to the number of matrices", () => {
  const machine = { coreCount: 2, freeByteLength: GB };
  assertEquals(chooseWorkerCount(SIZES, machine, 12), 12);
  assertEquals(chooseWorkerCount(SIZES, machine, 99), 24);
  assertEquals(chooseWorkerCount([], machine, 99), 1);
});
