import { assertEquals } from "@std/assert";
import { Pace } from "./pace.ts";

/** A clock on which nothing but sleep takes time, unless it is told. */
function fakeClock() {
  const slept: number[] = [];
  const clock = {
    time: 100,
    now: () => clock.time,
    sleep(ms: number) {
      slept.push(ms);
      clock.time += ms;
      return Promise.resolve();
    },
  };
  return { clock, slept };
}

Deno.test("Pace lets the first row go as fast as it can", async () => {
  const { clock, slept } = fakeClock();
  const pace = new Pace(clock);
  for (let i = 0; i < 24; i++) await pace.wait(i);
  assertEquals(slept, []);
});

Deno.test("Pace keeps 16 ms ahead of how long steps took", async () => {
  const { clock, slept } = fakeClock();
  const pace = new Pace(clock);
  await pace.wait(0);
  clock.time += 80;
  pace.end(10); // 8 ms a step
  const start = clock.time;
  await pace.wait(0);
  const begun: number[] = [];
  for (let i = 0; i < 5; i++) {
    await pace.wait(i);
    begun.push(clock.time - start);
    clock.time += 1; // to record it
  }
  assertEquals(begun, [0, 1, 2, 8, 16]);
  assertEquals(slept, [5, 7]);
});

Deno.test("Pace does not wait for steps that are over before a timer would be", async () => {
  const { clock, slept } = fakeClock();
  const pace = new Pace(clock);
  await pace.wait(0);
  clock.time += 7.2;
  pace.end(24); // 0.3 ms a step
  for (let i = 0; i < 24; i++) await pace.wait(i);
  assertEquals(slept, []);
});

Deno.test("Pace does not wait where recording is the slower part", async () => {
  const { clock, slept } = fakeClock();
  const pace = new Pace(clock);
  await pace.wait(0);
  clock.time += 240;
  pace.end(24);
  for (let i = 0; i < 24; i++) {
    await pace.wait(i);
    clock.time += 10;
  }
  assertEquals(slept, []);
});

Deno.test("Pace does not take its own waiting for how long a step takes", async () => {
  const { clock, slept } = fakeClock();
  const pace = new Pace(clock);
  // A single step, which is mostly a read-back, says nothing.
  await pace.wait(0);
  clock.time += 50;
  pace.end(1);
  await pace.wait(0);
  await pace.wait(23);
  assertEquals(slept, []);
  clock.time += 24;
  pace.end(24); // 1 ms a step
  // A slow row changes nothing.
  await pace.wait(0);
  clock.time += 2400;
  pace.end(24);
  await pace.wait(0);
  await pace.wait(23);
  assertEquals(slept, [7]);
});
