import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { defaultEndpoint, findToken } from "./hub_environment.ts";

function environment(variables: Record<string, string>, os = "linux") {
  return { os, variable: (name: string) => variables[name] };
}

/** Which file is asked for the token. */
function pathFor(variables: Record<string, string>, os?: string) {
  let asked: string | null = null;
  const token = findToken(environment(variables, os), (path) => {
    asked = path;
    return " from a file\n";
  });
  assertEquals(token, asked === null ? null : "from a file");
  return asked;
}

Deno.test("findToken() prefers the variable to the file", () => {
  const none = () => null;
  const given = environment({ HF_TOKEN: " abc\n", HOME: "/home/me" });
  assertEquals(findToken(given, () => "def"), "abc");
  const old = environment({ HUGGING_FACE_HUB_TOKEN: "old" });
  assertEquals(findToken(old, none), "old");
  assertEquals(findToken(environment({ HF_TOKEN: "" }), none), null);
});

Deno.test("findToken() finds the file of Hugging Face's programs", () => {
  const HOME = "/home/me";
  const caches = join(HOME, ".cache", "huggingface", "token");
  assertEquals(pathFor({}), null);
  assertEquals(pathFor({ HOME }), caches);
  assertEquals(pathFor({ USERPROFILE: HOME }, "windows"), caches);
  assertEquals(
    pathFor({ HOME, XDG_CACHE_HOME: "/c" }),
    join("/c", "huggingface", "token"),
  );
  assertEquals(pathFor({ HOME, HF_HOME: "/hf" }), join("/hf", "token"));
  assertEquals(pathFor({ HF_HOME: "/hf", HF_TOKEN_PATH: "/t" }), "/t");
});

Deno.test("defaultEndpoint() is Hugging Face unless HF_ENDPOINT says otherwise", () => {
  assertEquals(defaultEndpoint(environment({})), "https://huggingface.co");
  const other = environment({ HF_ENDPOINT: "https://hub.example" });
  assertEquals(defaultEndpoint(other), "https://hub.example");
});
