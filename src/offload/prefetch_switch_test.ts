import { assertEquals } from "@std/assert";
import { PrefetchSwitch } from "./prefetch_switch.ts";

/** Runs tokens that take `onMs` or `offMs`, and lists when it was on. */
function run(
  tokenCount: number,
  { onMs, offMs }: { onMs: number; offMs: number },
) {
  const prefetch = new PrefetchSwitch("auto");
  let now = 0;
  return Array.from({ length: tokenCount }, () => {
    prefetch.beginToken(now);
    now += prefetch.isOn ? onMs : offMs;
    return prefetch.isOn;
  });
}

Deno.test("PrefetchSwitch stays as it is told", () => {
  for (const mode of ["off", "next-layer"] as const) {
    const prefetch = new PrefetchSwitch(mode);
    for (let i = 0; i < 100; i++) prefetch.beginToken(i * i);
    assertEquals(prefetch.isOn, mode === "next-layer");
  }
});

Deno.test("PrefetchSwitch keeps on what is faster", () => {
  const states = run(500, { onMs: 9, offMs: 10 });
  assertEquals(states.slice(0, 24).every((isOn) => isOn), true);
  assertEquals(states.slice(24, 48).some((isOn) => isOn), false);
  assertEquals(states.slice(48).every((isOn) => isOn), true);
});

Deno.test("PrefetchSwitch turns off what loses, and tries again later", () => {
  const states = run(2000, { onMs: 11, offMs: 10 });
  assertEquals(states.slice(48, 1048).some((isOn) => isOn), false);
  assertEquals(states.slice(1048, 1072).every((isOn) => isOn), true);
  assertEquals(states.slice(1096).some((isOn) => isOn), false);
});

Deno.test("PrefetchSwitch gives tokens that run without a stop equal shares of the time", () => {
  for (const [slow, keepsOn] of [[true, false], [false, true]] as const) {
    const prefetch = new PrefetchSwitch("auto");
    const seen = new Set<boolean>();
    let now = 0;
    for (let batch = 0; batch < 14; batch++) {
      const count = 1 + batch % 8;
      prefetch.beginToken(now, count);
      seen.add(prefetch.isOn);
      now += count * (prefetch.isOn === slow ? 9 : 4);
    }
    assertEquals(seen.size, 2);
    prefetch.beginToken(now, 8);
    assertEquals(prefetch.isOn, keepsOn);
  }
});
