import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseRateLimit, parseRetryAfter, retrying, wait } from "./retry.ts";
import { TransientError } from "./transient_error.ts";

/** Tries something that fails as often as told; says what was waited for. */
function lab(failures: readonly Error[], progress?: () => number) {
  const waits: number[] = [];
  const left = [...failures];
  const signal = new AbortController().signal;
  const result = retrying(() => {
    const failure = left.shift();
    return failure === undefined
      ? Promise.resolve("done")
      : Promise.reject(failure);
  }, {
    action: "fetch x",
    signal,
    wait: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    ...progress !== undefined && { progress },
  });
  return { result, waits };
}

const busy = (afterMs?: number) =>
  new TransientError("h answered 503", { retryAfterMs: afterMs });

Deno.test("retrying() waits longer and longer, and gives up", async () => {
  const { result, waits } = lab(Array.from({ length: 12 }, () => busy()));
  await assertRejects(
    () => result,
    Error,
    "Cannot fetch x: h answered 503, 10 times in a row, wanted an answer; try again later; what is here stays",
  );
  assertEquals(waits.length, 9);
  const growths = waits.slice(1, 6).map((ms, i) => ms / waits[i]!);
  // Twice as long, give or take a quarter each, up to half a minute.
  assert(growths.every((growth) => growth >= 1.19 && growth <= 3.34));
  assert(waits.slice(6).every((ms) => ms >= 22_500 && ms <= 37_500));
});

Deno.test("retrying() begins to count again when something came", async () => {
  let at = 0;
  const { result, waits } = lab(
    Array.from({ length: 30 }, () => busy()),
    () => at++,
  );
  assertEquals(await result, "done");
  assert(Math.max(...waits) < 1000);
});

Deno.test("retrying() waits as long as it is told, but not for ever", async () => {
  const { result, waits } = lab([busy(0), busy(42_000)]);
  assertEquals(await result, "done");
  assertEquals(waits, [0, 42_000]);
  await assertRejects(
    () => lab([busy(3_600_000)]).result,
    Error,
    "h answered 503, and wants us to wait 60 minutes; try again then",
  );
});

Deno.test("retrying() gives up at once what is not worth another try", async () => {
  const { result, waits } = lab([new Error("Cannot find x")]);
  await assertRejects(() => result, Error, "Cannot find x");
  assertEquals(waits, []);
});

Deno.test("parseRetryAfter() reads seconds and dates", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assertEquals(parseRetryAfter(null, now), undefined);
  assertEquals(parseRetryAfter("soon", now), undefined);
  assertEquals(parseRetryAfter("7", now), 7000);
  assertEquals(parseRetryAfter("Thu, 01 Jan 2026 00:01:00 GMT", now), 60_000);
  assertEquals(parseRetryAfter("Wed, 31 Dec 2025 00:01:00 GMT", now), 0);
});

Deno.test("parseRateLimit() reads when a limit ends", () => {
  assertEquals(parseRateLimit('"resolvers";r=0;t=211'), 211_000);
  assertEquals(parseRateLimit('"api"; r=0; t=0'), 0);
  for (const text of [null, "", "limit=10, remaining=0", '"api";r=1;t=x']) {
    assertEquals(parseRateLimit(text), undefined);
  }
});

Deno.test("wait() ends early when it is stopped", async () => {
  const controller = new AbortController();
  const waiting = wait(1e9, controller.signal);
  controller.abort();
  await waiting;
  await wait(1e9, controller.signal);
});
