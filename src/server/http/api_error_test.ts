import { assertEquals } from "@std/assert";
import { ApiError, asApiError } from "./api_error.ts";

Deno.test("ApiError is short and one line, whatever it quotes", () => {
  const quoting = new Error(
    `Cannot answer: a\n${"x".repeat(100_000)} is wrong`,
  );
  const { message } = asApiError(quoting);
  assertEquals(message.length, 901);
  assertEquals(message.slice(0, 18), "Cannot answer: a x");
  assertEquals(message.slice(-10), "x is wrong");
  assertEquals(new ApiError("Cannot", { status: 400 }).message, "Cannot");
});
