import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import {
  buildFacts,
  buildJson,
  readBuildFacts,
  readRevision,
} from "./build_facts.ts";

const OPTIONS = {
  form: "compiled",
  target: "x86_64-unknown-linux-gnu",
  deno: "2.9.6",
  config: { name: "@moeno/moeno", version: "1.2.3" },
  lock: {
    version: "5",
    npm: { "b@2.0.0_peer@3.0.0": {}, "@scope/a@1.0.0-rc.1": {} },
  },
  revision: { commit: "0123abc", isDirty: true },
} as const;

Deno.test("buildFacts() takes the version and the packages from the project's files", () => {
  assertEquals(buildFacts(OPTIONS), {
    form: "compiled",
    version: "1.2.3",
    deno: "2.9.6",
    target: "x86_64-unknown-linux-gnu",
    commit: "0123abc",
    isDirty: true,
    packages: { "@scope/a": "1.0.0-rc.1", "b": "2.0.0" },
    model: "stories-17m-q",
  });
});

Deno.test("buildFacts() without git knows no commit", () => {
  const { commit, isDirty } = buildFacts({ ...OPTIONS, revision: null });
  assertEquals({ commit, isDirty }, { commit: null, isDirty: false });
});

Deno.test("buildFacts() refuses files without versions", () => {
  assertThrows(
    () => buildFacts({ ...OPTIONS, config: {} }),
    SyntaxError,
    "Cannot build: deno.json has version undefined",
  );
  assertThrows(
    () => buildFacts({ ...OPTIONS, lock: { npm: { name: {} } } }),
    SyntaxError,
    'Cannot build: deno.lock has the package "name"',
  );
});

Deno.test("buildJson() gives the same text for the same facts", () => {
  const text = buildJson(buildFacts(OPTIONS));
  assertEquals(JSON.parse(text), buildFacts(OPTIONS));
  assertEquals(text, buildJson(buildFacts(structuredClone(OPTIONS))));
});

Deno.test("readBuildFacts() reads this project", async () => {
  const { version, deno, packages } = await readBuildFacts(".", {
    form: "single-file",
    target: Deno.build.target,
  });
  assertMatch(version, /^\d+\.\d+\.\d+/);
  assertEquals(deno, Deno.version.deno);
  assertEquals(Object.keys(packages), [
    "@huggingface/jinja",
    "@huggingface/tokenizers",
    "deno-std",
  ]);
});

Deno.test("readRevision() is null where git knows nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assertEquals(await readRevision(folder), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readRevision() says whether sources differ, and nothing of a folder inside of another project", async () => {
  const folder = await Deno.makeTempDir();
  try {
    if (!await git(folder, "init", "--quiet")) return; // there is no git
    assertEquals(await readRevision(folder), null, "no commit yet");
    await Deno.writeTextFile(join(folder, "mod.ts"), "");
    await git(folder, "add", "mod.ts");
    await git(folder, "commit", "--quiet", "--message", "first");
    const clean = await readRevision(folder);
    assertMatch(clean!.commit, /^[0-9a-f]{40,}$/);
    assertEquals(clean!.isDirty, false);

    await Deno.writeTextFile(join(folder, "notes.txt"), "no source");
    assertEquals(await readRevision(folder), clean);
    await Deno.mkdir(join(folder, "src"));
    await Deno.writeTextFile(join(folder, "src", "new.ts"), "");
    assertEquals(await readRevision(folder), { ...clean!, isDirty: true });
    assertEquals(await readRevision(join(folder, "src")), null);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Runs git as somebody, whatever the user's settings are. */
async function git(folder: string, ...args: string[]): Promise<boolean> {
  const settings = ["user.name=a", "user.email=a@b", "commit.gpgSign=false"];
  try {
    const { success } = await new Deno.Command("git", {
      args: [...settings.flatMap((setting) => ["-c", setting]), ...args],
      cwd: folder,
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}
