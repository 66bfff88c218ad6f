import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ApiError } from "./http/api_error.ts";
import { RequestQueue } from "./request_queue.ts";

const { signal } = new AbortController();

Deno.test("RequestQueue lets requests in one by one, in their order", async () => {
  const queue = new RequestQueue(9);
  const order: number[] = [];
  await Promise.all([0, 1, 2, 3, 4].map(async (i) => {
    using _turn = await queue.join(signal);
    assertEquals(queue.running, 1);
    order.push(i);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }));
  assertEquals(order, [0, 1, 2, 3, 4]);
  assertEquals([queue.running, queue.waiting], [0, 0]);
});

Deno.test("RequestQueue turns away at once who finds it full", async () => {
  const queue = new RequestQueue(1);
  const first = await queue.join(signal);
  const second = queue.join(signal);
  const error = assertThrows(() => queue.join(signal), ApiError);
  assertEquals(error.status, 429);
  assertEquals(error.response().headers.get("retry-after"), "5");
  first[Symbol.dispose]();
  first[Symbol.dispose](); // twice is once
  assertEquals([queue.running, queue.waiting], [1, 0]);
  (await second)[Symbol.dispose]();
  assertEquals(queue.running, 0);
});

Deno.test("RequestQueue may have no room to wait in", async () => {
  const queue = new RequestQueue(0);
  const turn = await queue.join(signal);
  assertThrows(
    () => queue.join(signal),
    ApiError,
    "the queue is full (0 requests at most)",
  );
  turn[Symbol.dispose]();
  using _turn = await queue.join(signal);
});

Deno.test("RequestQueue forgets who leaves", async () => {
  const queue = new RequestQueue(9);
  const first = await queue.join(signal);
  const controller = new AbortController();
  const second = queue.join(controller.signal);
  const third = queue.join(signal);
  const reason = new Error("left");
  controller.abort(reason);
  await assertRejects(() => second, Error, "left");
  assertEquals(queue.waiting, 1);
  first[Symbol.dispose]();
  using _turn = await third;
  assertThrows(() => queue.join(controller.signal), Error, "left");
});

Deno.test("RequestQueue passes the turn on if it comes while one leaves", async () => {
  const queue = new RequestQueue(9);
  const first = await queue.join(signal);
  const controller = new AbortController();
  const second = queue.join(controller.signal);
  first[Symbol.dispose](); // it is the second's turn …
  controller.abort(new Error("left")); // … who does not know yet
  (await second)[Symbol.dispose]();
  using _turn = await queue.join(signal);
});

Deno.test("RequestQueue turns all away once it is closed, but for who runs", async () => {
  const queue = new RequestQueue(9);
  const first = await queue.join(signal);
  const second = queue.join(signal);
  queue.close(new ApiError("Closed", { status: 503 }));
  await assertRejects(() => second, ApiError, "Closed");
  assertThrows(() => queue.join(signal), ApiError, "Closed");
  assertEquals([queue.running, queue.waiting], [1, 0]);
  first[Symbol.dispose]();
  assertEquals(queue.running, 0);
});
