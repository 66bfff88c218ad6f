/** Executables that unpack themselves, killed and let down at every step. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { count } from "./_counts.ts";
import { HAS_TERMINAL } from "./_terminal.ts";
import { Bench, SAID } from "./_self_extractor.ts";

const AREA = "single file";

Deno.test("a single file unpacks itself once, then runs what it has unpacked", async () => {
  await using bench = await Bench.make();
  const first = await bench.start();
  assertEquals(first, {
    code: 0,
    signal: null,
    stdout: `${SAID}\n`,
    stderr: "",
  });
  const [name, ...others] = await bench.unpacked();
  assertMatch(name!, /^1\.2\.3-[0-9a-f]{16}$/);
  assertEquals(others, []);
  const { ino } = await Deno.stat(`${bench.home}/programs/${name}/deno`);
  assertEquals((await bench.start()).stdout, `${SAID}\n`);
  assertEquals(await bench.calls(), [], "a later start calls no program");
  const again = await Deno.stat(`${bench.home}/programs/${name}/deno`);
  assertEquals(again.ino, ino);
});

for (const way of ["kill before", "kill after", "fail"] as const) {
  Deno.test(`a first start leaves nothing broken, whichever of its steps: ${way}`, async () => {
    await using bench = await Bench.make();
    await bench.start();
    const calls = await bench.calls();
    assert(calls.length > 10, `${calls.length} calls`);
    for (const call of calls) {
      const what = `${way} ${call.program} ${call.number}`;
      await bench.clean();
      const disturbed = await bench.start({ disturb: { call, way } });
      if (way === "fail") assertSound(disturbed, what);
      else assertEquals(disturbed.signal, "SIGKILL", what);
      assertEquals((await bench.start()).stdout, `${SAID}\n`, what);
      assertEquals((await bench.unpacked()).length, 1, what);
    }
    count(AREA, "faults injected", calls.length);
    count(AREA, "recoveries", calls.length);
  });
}

/** A start that was let down does its work, or says why not. */
function assertSound(
  { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
  what: string,
): void {
  if (code === 0) assertEquals(stdout, `${SAID}\n`, what);
  else assertEquals(stdout, "", what);
  assert(code === 0 || stderr !== "", what);
}

Deno.test("what a cleaner of old files left of a program is mended by its next start", async () => {
  await using bench = await Bench.make();
  await bench.start();
  const [name] = await bench.unpacked();
  const program = `${bench.home}/programs/${name}`;
  const gone = ["SHA256SUMS", "deno", "moeno.js", "models"];
  for (const path of gone) {
    const { ino } = await Deno.stat(`${program}/LICENSE`);
    await Deno.remove(`${program}/${path}`, { recursive: true });
    const { code, stdout, stderr } = await bench.start();
    assertEquals({ code, stdout, stderr }, {
      code: 0,
      stdout: `${SAID}\n`,
      stderr: "",
    }, path);
    assertEquals(await bench.unpacked(), [name!], path);
    await Deno.stat(`${program}/models/small/weights`);
    assertEquals(
      (await Deno.stat(`${program}/LICENSE`)).ino,
      ino,
      "who runs from there keeps what is there",
    );
    assertEquals(await bench.start(), {
      code: 0,
      signal: null,
      stdout: `${SAID}\n`,
      stderr: "",
    });
    assertEquals(await bench.calls(), [], path);
  }
  count(AREA, "faults injected", gone.length);
  count(AREA, "recoveries", gone.length);
});

Deno.test("a start that dies while it mends a program leaves that to the next", async () => {
  await using bench = await Bench.make();
  await bench.start();
  const [name] = await bench.unpacked();
  const deno = `${bench.home}/programs/${name}/deno`;
  await Deno.remove(deno);
  await bench.start();
  const calls = await bench.calls();
  for (const call of calls) {
    const what = `${call.program} ${call.number}`;
    await Deno.remove(deno);
    await bench.start({ disturb: { call, way: "kill before" } });
    assertEquals((await bench.start()).stdout, `${SAID}\n`, what);
  }
  await Deno.remove(deno);
  await bench.start();
  assertEquals(await bench.unpacked(), [name!], "nothing is left behind");
  count(AREA, "faults injected", calls.length);
  count(AREA, "recoveries", calls.length);
});

Deno.test("first starts at the same time do not disturb each other", async () => {
  await using bench = await Bench.make();
  const starts = Array.from({ length: 6 }, () => bench.start());
  for (const { code, stdout, stderr } of await Promise.all(starts)) {
    assertEquals({ code, stdout, stderr }, {
      code: 0,
      stdout: `${SAID}\n`,
      stderr: "",
    });
  }
  const [name, ...others] = await bench.unpacked();
  assertEquals(others, []);
  const inside = await Array.fromAsync(
    Deno.readDir(`${bench.home}/programs/${name}`),
  );
  assertEquals(inside.filter(({ name }) => name.endsWith(".part")), []);
});

Deno.test("a single file that is cut off or damaged says so and unpacks nothing", async () => {
  await using bench = await Bench.make();
  const whole = await Deno.readFile(bench.file);
  const file = `${bench.folder}/damaged`;
  const cut = whole.slice(0, whole.length - 1);
  const flipped = whole.slice();
  flipped[whole.length - 5_000]! ^= 1;
  for (
    const [bytes, says] of [
      [cut, `has ${cut.length} bytes, wanted ${whole.length}; fetch it again`],
      [flipped, "its files are not those that were packed"],
    ] as const
  ) {
    await Deno.writeFile(file, bytes, { mode: 0o755 });
    const { code, stdout, stderr } = await bench.start({ file });
    assertEquals({ code, stdout }, { code: 1, stdout: "" }, stderr);
    assertStringIncludes(stderr, "error: Cannot unpack the program");
    assertStringIncludes(stderr, says);
    assertEquals(await bench.unpacked(), []);
  }
  count(AREA, "faults injected", 2);
});

Deno.test("files that were written wrong are noticed before they get their name", async () => {
  await using bench = await Bench.make();
  // A disk that lies: all is well, but the last bytes are not there.
  await bench.stub(
    "tar",
    `"$real" "$@"; for folder; do :; done; printf x >"$folder/models/small/weights"`,
  );
  const { code, stderr } = await bench.start();
  assertEquals(code, 1);
  assertStringIncludes(stderr, "is the disk full");
  assertEquals(await bench.unpacked(), []);
  count(AREA, "faults injected", 1);
});

Deno.test("a single file says which machine, space and rights it wants", async () => {
  await using bench = await Bench.make();
  const refusals = {
    uname: {
      script: "echo sparc64",
      says:
        "Cannot run: this file is for this-machine, this machine is sparc64",
    },
    df: {
      script: "echo head; echo '/dev/disk 100000 99990 10 99% /'",
      says: "0 MiB are free, wanted 1 MiB; MOENO_HOME=<folder> chooses another",
    },
  };
  for (const [name, { script, says }] of Object.entries(refusals)) {
    await bench.stub(name, script);
    const { code, stdout, stderr } = await bench.start();
    assertEquals({ code, stdout }, { code: 1, stdout: "" }, name);
    assertStringIncludes(stderr, says);
    await bench.stub(name, 'exec "$real" "$@"');
  }
  const nowhere = await bench.start({ env: { MOENO_HOME: "/proc/nowhere" } });
  assertEquals(nowhere.code, 1);
  assertStringIncludes(
    nowhere.stderr,
    "Cannot unpack the program: /proc/nowhere cannot be written, wanted",
  );
  await Deno.remove(`${bench.folder}/bin/gzip`);
  const { code, stderr } = await bench.start();
  assertEquals({ code, stderr }, {
    code: 1,
    stderr:
      "error: Cannot unpack the program: gzip is not here, wanted it installed\n",
  });
});

Deno.test("without MOENO_HOME a single file takes the user's caches, else the temporary folder", async () => {
  await using bench = await Bench.make();
  const { folder } = bench;
  const uid = Deno.uid();
  for (
    const [env, home] of [
      [{ HOME: `${folder}/me` }, `${folder}/me/.cache/moeno`],
      [
        { HOME: `${folder}/me`, XDG_CACHE_HOME: `${folder}/x` },
        `${folder}/x/moeno`,
      ],
      [{ HOME: "/proc", TMPDIR: folder }, `${folder}/moeno-${uid}`],
      [{ TMPDIR: `${folder}/t` }, `${folder}/t/moeno-${uid}`],
    ] as const
  ) {
    const { code, stdout, stderr } = await bench.start({
      env: { MOENO_HOME: "", TMPDIR: `${folder}/none`, ...env },
    });
    assertEquals({ code, stdout, stderr }, {
      code: 0,
      stdout: `${SAID}\n`,
      stderr: "",
    });
    assertEquals((await bench.unpacked(home)).length, 1, home);
  }
});

Deno.test(
  "root neither runs nor writes what lies in the home of another user",
  {
    ignore: Deno.uid() !== 0, // only root may give files away
  },
  async () => {
    await using bench = await Bench.make();
    const { folder } = bench;
    const env = { MOENO_HOME: "", HOME: `${folder}/me`, TMPDIR: folder };
    await Deno.mkdir(env.HOME);
    await Deno.chown(env.HOME, 12345, 12345);
    assertEquals((await bench.start({ env })).stdout, `${SAID}\n`);
    assertEquals(await bench.unpacked(`${env.HOME}/.cache/moeno`), []);
    assertEquals((await bench.unpacked(`${folder}/moeno-0`)).length, 1);
  },
);

Deno.test("a single file says which other versions lie beside it", {
  ignore: !HAS_TERMINAL,
}, async () => {
  await using bench = await Bench.make();
  await Deno.mkdir(`${bench.home}/programs/1.0.0-0123456789abcdef`, {
    recursive: true,
  });
  const quiet = await bench.start();
  assertEquals(quiet.stderr, "", "not where nobody reads");
  await Deno.remove(`${bench.home}/programs/${(await bench.unpacked())[1]}`, {
    recursive: true,
  });
  const terminal = new Deno.Command("/usr/bin/script", {
    args: ["-qec", bench.file, "/dev/null"],
    env: { MOENO_HOME: bench.home },
    stdin: "null",
  });
  const { stdout } = await terminal.output();
  const text = new TextDecoder().decode(stdout).replaceAll("\r", "");
  assertStringIncludes(
    text,
    "Other versions there, which may be removed if nothing runs from them: " +
      "1.0.0-0123456789abcdef\n",
  );
  assertEquals((await bench.unpacked()).length, 2);
});

Deno.test("a single file does not run what somebody else has put into the temporary folder", async () => {
  await using bench = await Bench.make();
  const { folder } = bench;
  const theirs = `${folder}/theirs`;
  assertEquals((await bench.start({ env: { MOENO_HOME: theirs } })).code, 0);
  await Deno.mkdir(`${folder}/t`);
  await Deno.symlink(theirs, `${folder}/t/moeno-${Deno.uid()}`);
  const { code, stdout, stderr } = await bench.start({
    env: { MOENO_HOME: "", TMPDIR: `${folder}/t` },
  });
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertStringIncludes(stderr, `nor ${folder}/t can be written, wanted MOENO_`);
});
