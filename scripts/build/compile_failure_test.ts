import { assertEquals } from "@std/assert";
import { compileFailure } from "./compile_failure.ts";

const TARGET = "aarch64-apple-darwin";

Deno.test("compileFailure() says what to do where there is no denort", () => {
  const { message } = compileFailure(
    TARGET,
    `error: Writing deno compile executable to temporary file '/tmp/x.tmp-1'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (https://example.com/denort.zip): client error (Connect): dns error
    2: client error (Connect)

Stack backtrace:
   0: <unknown>
`,
  );
  assertEquals(
    message,
    "Cannot compile for aarch64-apple-darwin: Deno's runtime denort could not " +
      "be had (error sending request for url (https://example.com/denort.zip): " +
      "client error (Connect): dns error), wanted a network or DENORT_BIN=<file>",
  );
});

Deno.test("compileFailure() leaves out what the causes led to", () => {
  const { message } = compileFailure(
    TARGET,
    "error: Writing it\n\nCaused by:\n    0: Writing binary bytes\n" +
      "    1: Invalid object: Failed to parse PE\n\nStack backtrace:\n   0: x\n",
  );
  assertEquals(
    message,
    "Cannot compile for aarch64-apple-darwin: Writing binary bytes: Invalid object: Failed to parse PE",
  );
});

Deno.test("compileFailure() keeps what has no causes as it is", () => {
  const words = "TS2322 [ERROR]: Type 'number'.\n    at file:///a.ts:1:7";
  assertEquals(
    compileFailure(TARGET, `error: ${words}\n`).message,
    `Cannot compile for aarch64-apple-darwin: ${words}`,
  );
});
