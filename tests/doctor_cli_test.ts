/** `moeno doctor` as a process, with a GPU and without. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { moeno } from "./_program.ts";

interface Check {
  readonly name: string;
  readonly verdict: string;
  readonly findings: { verdict: string; text: string; remedy?: string }[];
  readonly value: Record<string, unknown>;
}

async function withHome(fn: (home: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "moeno-doctor-" });
  try {
    await fn(join(folder, "home"));
    // It looked at folders, and made none.
    assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("doctor --json says all that was measured, and that models run", () =>
  withHome(async (home) => {
    const env = {
      MOENO_HOME: home,
      MOENO_TUNING: "",
      MOENO_HUB_SECRET: "hush",
    };
    const { code, stdout, stderr } = await moeno(["doctor", "--json"], { env });
    assertEquals([code, stderr], [0, ""]);
    const { isUsable, checks }: { isUsable: boolean; checks: Check[] } = JSON
      .parse(stdout);
    assertEquals(isUsable, true);
    const names = [
      "versions",
      "program",
      "variables",
      "memory",
      "cores",
      "folders",
      "disk",
    ]
      .concat("adapter", "features", "limits", "VRAM", "VRAM speed", "link")
      .concat("read-back", "tuning", "self-test");
    assertEquals(checks.map(({ name }) => name), names);
    const of = (name: string) => checks.find((check) => check.name === name)!;
    assertEquals(
      of("self-test").verdict,
      "ok",
      of("self-test").findings[0]!.text,
    );
    assertEquals(of("versions").value.deno, Deno.version.deno);
    assertEquals(of("variables").value.MOENO_HOME, home);
    assert(!stdout.includes("hush"));
    assert(Number(of("read-back").value.awaitedMs) > 0);
    assert(Number(of("link").value.arrayBuffer) > 0);
  }));

Deno.test("doctor without a GPU says what to install, looks at the rest, and fails", () =>
  withHome(async (home) => {
    const env = {
      MOENO_HOME: home,
      VK_DRIVER_FILES: "/nonexistent",
      VK_ICD_FILENAMES: "/nonexistent",
      DENO_WEBGPU_BACKEND: "vulkan",
    };
    const { code, stdout } = await moeno(["doctor"], { env });
    assertEquals(code, 1, stdout);
    assertStringIncludes(stdout, "ok       versions    moeno ");
    const words = stdout.replace(/\s+/g, " ");
    assertStringIncludes(words, `home ${home} (not there yet)`);
    assert(/^problem +adapter +Cannot open a GPU: /m.test(stdout), stdout);
    assert(
      /-> unset .*VK_DRIVER_FILES.*; else install the Vulkan driver of your GPU/
        .test(words),
      stdout,
    );
    assert(!stdout.includes("self-test"), stdout);
    assert(
      /\nModels do not run on this machine yet: adapter; \d notes?\.\n$/
        .test(stdout),
      stdout,
    );
  }));

Deno.test("doctor takes no argument", async () => {
  const { code, stdout, stderr } = await moeno(["doctor", "me"]);
  assertEquals([code, stdout], [2, ""]);
  assertEquals(stderr, 'error: doctor takes no argument, received "me"\n');
});
