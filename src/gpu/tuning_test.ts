import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkTuning,
  defaultTuning,
  describeTuning,
  TUNING_NAMES,
  TUNING_VALUES,
} from "./tuning.ts";

Deno.test("defaultTuning() is made of values that there can be", () => {
  for (const isWide of [true, false]) {
    const tuning = defaultTuning(isWide);
    assertEquals(checkTuning(tuning, "test"), { ...tuning });
    assertEquals(Object.keys(tuning).sort(), TUNING_NAMES.toSorted());
  }
  assert(defaultTuning(false).argmaxInvocations < 64);
});

Deno.test("checkTuning() takes some names or none", () => {
  assertEquals(checkTuning({}, "test"), {});
  for (const name of TUNING_NAMES) {
    for (const value of TUNING_VALUES[name]) {
      assertEquals(checkTuning({ [name]: value }, "test"), { [name]: value });
    }
  }
});

Deno.test("checkTuning() names what is wrong", () => {
  const cases: [unknown, typeof Error, string][] = [
    [null, TypeError, "tuning is null, wanted an object of numbers"],
    ["auto", TypeError, 'tuning is "auto", wanted an object'],
    [[8], TypeError, "tuning is [8], wanted an object"],
    [{ units: 8 }, TypeError, 'tuning has "units", wanted upUnits, downUnits'],
    [{ toString: 8 }, TypeError, 'tuning has "toString", wanted'],
    [{ upUnits: 3 }, RangeError, "upUnits is 3, wanted one of 1, 2, 4, 8, 16"],
    [{ upUnits: "8" }, RangeError, 'tuning.upUnits is "8", wanted one of'],
    [{ sumInvocations: null }, RangeError, "sumInvocations is null, wanted"],
  ];
  for (const [value, kind, message] of cases) {
    assertThrows(() => checkTuning(value, "do it"), kind, message);
    assertThrows(() => checkTuning(value, "do it"), kind, "Cannot do it: ");
  }
});

Deno.test("describeTuning() names values, or says that there are none", () => {
  assertEquals(describeTuning({}), "the defaults");
  const some = { upUnits: 4, sumInvocations: 128 };
  assertEquals(describeTuning(some), "upUnits 4, sumInvocations 128");
});
