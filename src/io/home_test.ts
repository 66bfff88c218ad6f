import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { homeFolder } from "./home.ts";

function homeOf(os: string, variables: Record<string, string>): string | null {
  return homeFolder({ os, variable: (name) => variables[name] });
}

Deno.test("homeFolder() follows the custom of the system", () => {
  const cases: [string, Record<string, string>, string | null][] = [
    ["linux", { HOME: "/h" }, join("/h", ".cache", "moeno")],
    ["linux", { HOME: "/h", XDG_CACHE_HOME: "/c" }, join("/c", "moeno")],
    ["linux", { HOME: "/h", XDG_CACHE_HOME: "" }, join("/h", ".cache/moeno")],
    ["linux", {}, null],
    ["freebsd", { HOME: "/h" }, join("/h", ".cache", "moeno")],
    ["darwin", { HOME: "/h" }, join("/h", "Library", "Caches", "moeno")],
    ["darwin", { XDG_CACHE_HOME: "/c" }, null],
    ["windows", { LOCALAPPDATA: "C:/l", HOME: "/h" }, join("C:/l", "moeno")],
    ["windows", { HOME: "/h" }, null],
  ];
  for (const [os, variables, expected] of cases) {
    assertEquals(homeOf(os, variables), expected, JSON.stringify(variables));
    assertEquals(homeOf(os, { ...variables, MOENO_HOME: "/m" }), "/m");
    assertEquals(homeOf(os, { ...variables, MOENO_HOME: "" }), expected);
  }
});

Deno.test("homeFolder() reads the variables of the process", () => {
  const variable = (name: string) => Deno.env.get(name);
  assertEquals(homeFolder(), homeFolder({ os: Deno.build.os, variable }));
  assert(homeFolder() !== null || Deno.env.get("HOME") === undefined);
});

Deno.test({
  name: "homeFolder() takes what it may not read for not there",
  permissions: { env: false },
  fn: () => assertEquals(homeFolder(), null),
});
