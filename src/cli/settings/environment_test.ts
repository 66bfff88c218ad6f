import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { configPlace, neededPath } from "./environment.ts";

function environment(os: string, variables: Record<string, string>) {
  const variable = (name: string) => variables[name];
  return { os, variable, names: () => Object.keys(variables) };
}

Deno.test("configPlace() follows the custom of the system, and MOENO_CONFIG", () => {
  const file = (...parts: string[]) => ({
    path: join(...parts, "moeno", "config.json"),
    isNamed: false,
  });
  const none = { path: null, isNamed: false };
  const home = { HOME: "/h" };
  const xdg = { XDG_CONFIG_HOME: "/x" };
  const cases = [
    ["linux", { ...home, ...xdg }, file("/x")],
    ["linux", { ...home, XDG_CONFIG_HOME: "" }, file("/h", ".config")],
    ["freebsd", home, file("/h", ".config")],
    [
      "darwin",
      { ...home, ...xdg },
      file("/h", "Library", "Application Support"),
    ],
    ["windows", { APPDATA: "/a" }, file("/a")],
    ["linux", {}, none],
    ["darwin", {}, none],
    ["windows", home, none],
  ] as const;
  for (const [os, variables, place] of cases) {
    assertEquals(configPlace(environment(os, variables)), place);
    for (const MOENO_CONFIG of ["", "off", "/own.json"]) {
      const path = MOENO_CONFIG === "/own.json" ? MOENO_CONFIG : null;
      const own = environment(os, { ...variables, MOENO_CONFIG });
      assertEquals(configPlace(own), { path, isNamed: true });
    }
  }
});

Deno.test("neededPath() says why there is none", () => {
  const off = environment("linux", { MOENO_CONFIG: "off" });
  assertThrows(() => neededPath(off), Error, "MOENO_CONFIG is off, wanted a");
  const bare = environment("linux", {});
  assertThrows(() => neededPath(bare), Error, "wanted the variable MOENO_CONF");
});
