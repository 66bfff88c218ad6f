/** Workers that quantize, and workers that fail. */

import { assertEquals, assertRejects } from "@std/assert";
import { encodeFloats } from "../src/io/float.ts";
import { IN_THREAD, type QuantizeJob } from "../src/model/quantize_job.ts";
import { QuantizePool } from "../src/model/quantize_pool.ts";
import { Random } from "./_random.ts";

/** A matrix of 32 x 32. */
function job(seed: number, weight?: number): QuantizeJob {
  const weights = new Random(seed).normal(32 * 32, 0.1);
  if (weight !== undefined) weights[7] = weight;
  return {
    base: `m${seed}`,
    bytes: new Uint8Array(encodeFloats(weights, "F32")),
    dtype: "F32",
    shape: [32, 32],
    scheme: {
      type: "HQQ",
      bits: 4,
      axis: 0,
      groupSize: 16,
      scaleGroupSize: 16,
    },
  };
}

/** A worker that runs this code instead. */
function workerOf(code: string): Worker {
  const url = `data:application/javascript,${encodeURIComponent(code)}`;
  return new Worker(url, { type: "module" });
}

Deno.test("QuantizePool gives what the thread itself gives, job by job", async () => {
  using pool = new QuantizePool(2);
  const seeds = [1, 2, 3, 4, 5];
  const got = await Promise.all(seeds.map((seed) => pool.run(job(seed))));
  for (const [i, seed] of seeds.entries()) {
    const wanted = await IN_THREAD.run(job(seed));
    assertEquals(got[i]!.map((bytes) => [...bytes]), wanted.map((b) => [...b]));
  }
});

Deno.test("QuantizePool says which matrix has a weight that is no number, and goes on", async () => {
  using pool = new QuantizePool(1);
  const says =
    "Cannot quantize m1: weight [0, 7] is NaN, wanted a finite number";
  await assertRejects(() => pool.run(job(1, NaN)), RangeError, says);
  await assertRejects(() => IN_THREAD.run(job(1, NaN)), RangeError, says);
  assertEquals((await pool.run(job(1))).length, 7);
});

/** Deno prints these errors, too; in the worker nobody can keep it from that. */
const DEATHS = {
  "at its start": 'throw new Error("no luck")',
  "at work": 'onmessage = () => { throw new Error("no luck") }',
};

for (const [when, code] of Object.entries(DEATHS)) {
  Deno.test(`QuantizePool ends in a sentence when a worker ends ${when}`, async () => {
    using pool = new QuantizePool(2, () => workerOf(code));
    const says = /^Cannot quantize: a worker ended \(.*no luck\), wanted .*$/;
    const all = await Promise.allSettled(
      [1, 2, 3].map((i) => pool.run(job(i))),
    );
    for (const result of all) {
      assertEquals(result.status, "rejected");
      const { message } = (result as PromiseRejectedResult).reason;
      assertEquals(says.test(message), true, message);
    }
    await assertRejects(() => pool.run(job(4)), Error, "a worker ended");
  });
}

Deno.test("QuantizePool lets jobs fail when it is disposed of", async () => {
  const pool = new QuantizePool(1);
  const running = pool.run(job(1));
  pool[Symbol.dispose]();
  await assertRejects(() => running, Error, "the workers were ended");
  await assertRejects(() => pool.run(job(2)), Error, "the workers were ended");
});
