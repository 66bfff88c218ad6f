// deno-lint-ignore-file camelcase -- as Deno calls them
import { assertEquals, assertThrows } from "@std/assert";
import { madeUpProgram, METADATA } from "./_made_up_program.ts";
import { readEmbedded } from "./embedded_files.ts";

Deno.test("readEmbedded() finds files in folders, and how the program starts", () => {
  const texts = { "mod.ts": "1", "src/a/b.ts": "2", "src/a/c.ts": "" };
  const { metadata, files } = readEmbedded(madeUpProgram({ files: texts }));
  const found = [...files].map(([path, bytes]) =>
    [path, new TextDecoder().decode(bytes)] as const
  );
  assertEquals(Object.fromEntries(found), texts);
  assertEquals(metadata, {
    entry: "mod.ts",
    name: "moeno",
    features: ["no-legacy-abort"],
    denied: [],
  });
});

Deno.test("readEmbedded() tells what a program may not do", () => {
  const permissions = {
    allow_net: null,
    allow_read: ["/tmp"],
    allow_env: [],
    deny_sys: [],
    deny_env: null,
    ignore_env: ["HOME"],
    prompt: true,
  };
  const program = madeUpProgram({ metadata: { ...METADATA, permissions } });
  const { denied } = readEmbedded(program).metadata;
  assertEquals(denied, ["net", "read", "sys", "env"]);
});

Deno.test("readEmbedded() refuses what is no program, or a part of one", () => {
  const refuses = (bytes: Uint8Array, words: string) =>
    assertThrows(() => readEmbedded(bytes), SyntaxError, words);
  refuses(new Uint8Array(100), "it has no data of deno compile");
  refuses(new TextEncoder().encode("d3n0l4nd"), "it has no data");
  refuses(madeUpProgram({ remoteCount: 2 }), "it has 2 remote modules");

  const whole = madeUpProgram({ files: { "mod.ts": "text" } });
  const end = whole.byteLength - "d3n0l4ndthe end".length;
  for (let cut = end - 1; cut > end - 100; cut--) {
    refuses(whole.subarray(0, cut), "it");
  }
  const damaged = whole.slice();
  damaged[end] = 0;
  refuses(damaged, "its data does not end as it begins");
});
