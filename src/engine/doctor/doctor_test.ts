import { assertEquals } from "@std/assert";
import { checkOf, note, ok, type Patient, problem } from "./check.ts";
import { examine } from "./doctor.ts";

const PATIENT: Patient = {
  opened: null,
  failure: "none",
  environment: { os: "linux", variable: () => undefined },
  variables: {},
  model: null,
};

Deno.test("examine gives the value, and the worst of its findings", async () => {
  const check = checkOf("three", () => 3, (count) => [
    ok(`${count}`),
    problem("too few", "more"),
    note("odd"),
  ]);
  const { name, verdict, value, findings } = await examine(check, PATIENT);
  assertEquals([name, verdict, value, findings.length], [
    "three",
    "problem",
    3,
    3,
  ]);
});

Deno.test("examine makes a note of a check that fails, a problem of the self-test", async () => {
  const fail = (name: string) =>
    examine(
      checkOf(name, () => Promise.reject(new Error("Cannot look")), () => []),
      PATIENT,
    );
  const { verdict, value, findings } = await fail("disk");
  assertEquals([verdict, value], ["note", null]);
  assertEquals(findings[0]!.text, "it could not be found out: Cannot look");
  assertEquals((await fail("self-test")).verdict, "problem");
});
