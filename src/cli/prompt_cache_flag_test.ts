import { assertEquals, assertThrows } from "@std/assert";
import { parseByteLength } from "../io/byte_length.ts";
import { parseFlags } from "./args.ts";
import {
  DEFAULT_PROMPT_CACHE_BYTES,
  PROMPT_CACHE_FLAG,
} from "./prompt_cache_flag.ts";
import { UsageError } from "./usage_error.ts";

const parse = (...args: string[]) =>
  parseFlags([PROMPT_CACHE_FLAG], args).values.promptCacheBytes;

Deno.test("--prompt-cache takes an amount of memory, or none", () => {
  assertEquals(parse("--prompt-cache", "512M"), 2 ** 29);
  assertEquals(parse("--prompt-cache=0"), 0);
  assertEquals(parse(), undefined);
  assertThrows(
    () => parse("--prompt-cache", "much"),
    UsageError,
    '--prompt-cache is "much", wanted an amount of memory like 12GiB, 12G (the same), 12GB or 800M, or 0',
  );
  const shown = parseByteLength(PROMPT_CACHE_FLAG.default!);
  assertEquals(shown, DEFAULT_PROMPT_CACHE_BYTES);
});
