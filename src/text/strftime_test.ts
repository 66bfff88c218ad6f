import { assertEquals } from "@std/assert";
import { strftime } from "./strftime.ts";

Deno.test("strftime() formats as Python does in the C locale", () => {
  const format = "%Y %y %m %b %B %d %j %a %A %H %I %p %M %S %% %Q %";
  assertEquals(
    strftime(new Date(2024, 1, 9, 0, 5, 7), format),
    "2024 24 02 Feb February 09 040 Fri Friday 00 12 AM 05 07 % %Q %",
  );
  assertEquals(
    strftime(new Date(2023, 11, 31, 13, 59, 59), format),
    "2023 23 12 Dec December 31 365 Sun Sunday 13 01 PM 59 59 % %Q %",
  );
});
