/** `PassTimer`: that it times the pass, never how long that is. */

import { assert, assertEquals } from "@std/assert";
import { elapsedMs, PassTimer } from "../src/engine/pass_timer.ts";
import { readAll } from "../src/ops/read.ts";
import { gpuTest, makeReader } from "./_gpu.ts";

for (const hasClock of [true, false]) {
  const kind = hasClock ? "the GPU's clock" : "wall time";
  gpuTest(
    `PassTimer runs passes and times them by ${kind}`,
    async ({ gpu }) => {
      const source = gpu.storageBuffer("source", 16);
      gpu.upload(source, new Uint8Array(16).fill(1));
      const { encode, sums } = await readAll(gpu, source);
      using reader = await makeReader(gpu, sums.size);
      using timer = await PassTimer.create(gpu, hasClock);
      assertEquals(timer.hasClock, hasClock);
      for (let i = 0; i < 3; i++) {
        const ms = await timer.ms((pass) => encode(pass, 1));
        assert(ms > 0 && Number.isFinite(ms), String(ms));
      }
      const words = new Uint8Array((await reader.floats(sums)).buffer);
      assert(words.some((byte) => byte !== 0), "the pass ran");
    },
  );
}

gpuTest("PassTimer takes the GPU's clock where it has one", async ({ gpu }) => {
  using timer = await PassTimer.create(gpu);
  assertEquals(timer.hasClock, gpu.device.features.has("timestamp-query"));
});

Deno.test("elapsedMs() doubts a clock that stands still or goes back", () => {
  const ms = (from: bigint, to: bigint) =>
    elapsedMs(BigUint64Array.of(from, to), 7);
  assertEquals(ms(5_000_000n, 6_500_000n), 1.5);
  assertEquals([ms(5n, 5n), ms(6n, 5n), ms(0n, 0n)], [7, 7, 7]);
});
