import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fastestInTurns, warmUp } from "./fastest.ts";

/** A machine on which work takes longer by a factor that depends on the time. */
function machine(slownessAt: (ms: number) => number) {
  let time = 1000;
  const start = time;
  let runs = 0;
  return {
    now: () => time,
    runs: () => runs,
    trial: (ms: number) => () => {
      const taken = ms * slownessAt(time - start);
      time += taken;
      runs++;
      return Promise.resolve(taken);
    },
  };
}

Deno.test("fastestInTurns() outlasts a GPU that was idle", async () => {
  // As an H100 once was: a model of two layers three times slower for 0.4 s.
  const { now, trial } = machine((ms) => ms < 400 ? 3 : 1);
  const trials = [trial(13.2), trial(9.8)];
  const gpu = { isSoftware: false };
  assertEquals(await fastestInTurns(gpu, trials, now), [13.2, 9.8]);
});

Deno.test("fastestInTurns() goes on while anything gets faster", async () => {
  const { now, trial } = machine((ms) => Math.max(1, 10 - ms / 100));
  const gpu = { isSoftware: false };
  const least = await fastestInTurns(gpu, [trial(20)], now);
  assertAlmostEquals(least[0]!, 20);
});

Deno.test("fastestInTurns() ends soon on a CPU, however busy it is", async () => {
  const { now, trial, runs } = machine((ms) => 100 * Math.exp(-ms / 1000));
  await fastestInTurns({ isSoftware: true }, [trial(1), trial(2)], now);
  assert(runs() <= 12, `${runs()} runs`);
});

Deno.test("warmUp() outlasts a GPU that was idle, runs once on a CPU, and can be ended", async () => {
  const runsOf = async (isSoftware: boolean, mostRuns = Infinity) => {
    const { now, trial, runs } = machine((ms) => ms < 300 ? 3 : 1);
    const run = () => trial(20)().then(() => runs() < mostRuns);
    const isWarm = await warmUp({ isSoftware }, run, now);
    return { isWarm, count: runs(), isFast: await trial(20)() === 20 };
  };
  assertEquals(await runsOf(false), { isWarm: true, count: 15, isFast: true });
  assertEquals(await runsOf(true), { isWarm: true, count: 1, isFast: false });
  assertEquals(await runsOf(false, 2), {
    ...{ isWarm: false, count: 2, isFast: false },
  });
});
