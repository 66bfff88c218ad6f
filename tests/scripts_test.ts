/** The set-up scripts, with stubs of npm, apt-get and the like on the PATH. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

const SCRIPTS = fromFileUrl(new URL("../scripts", import.meta.url));
const ROOT = fromFileUrl(new URL("..", import.meta.url)).replace(/\/$/, "");

/** Real programs that the scripts use. */
const PROGRAMS = [
  "awk",
  "cat",
  "dirname",
  "env",
  "mkdir",
  "mktemp",
  "rm",
  "sed",
  "tee",
  "uname",
];

/** A machine that has only what it is given. */
class Machine implements Disposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "moeno-scripts-" });
  readonly env: Record<string, string> = { HOME: `${this.folder}/home` };

  constructor({ uid = 0 } = {}) {
    Deno.mkdirSync(`${this.folder}/bin`);
    for (const name of PROGRAMS) {
      Deno.symlinkSync(`/usr/bin/${name}`, `${this.folder}/bin/${name}`);
    }
    this.stub("id", `echo ${uid}`);
  }

  /** Adds a program that writes its arguments to the log, then does more. */
  stub(name: string, body = ""): this {
    const path = `${this.folder}/bin/${name}`;
    const log = `echo "${name} $*" >>"${this.folder}/log"`;
    const isQuiet = name === "id" || name === "deno" || name === "apt-cache";
    Deno.writeTextFileSync(
      path,
      `#!/bin/sh\n${isQuiet ? "" : log}\n${body}\n`,
    );
    Deno.chmodSync(path, 0o755);
    return this;
  }

  /** Adds an empty file. */
  file(path: string): this {
    const whole = `${this.folder}/${path}`;
    Deno.mkdirSync(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(whole, "{}");
    return this;
  }

  /** What the stubs wrote down. */
  log(): string[] {
    try {
      return Deno.readTextFileSync(`${this.folder}/log`).trim().split("\n");
    } catch {
      return [];
    }
  }

  /** Runs shell code that has the functions of `_setup.sh`. */
  sh(code: string): { code: number; out: string; err: string } {
    return this.run(["-c", `. "${SCRIPTS}/_setup.sh"; ${code}`]);
  }

  run(args: string[]): { code: number; out: string; err: string } {
    const { code, stdout, stderr } = new Deno.Command("/bin/sh", {
      args,
      clearEnv: true,
      cwd: "/",
      env: { ...this.env, PATH: `${this.folder}/bin` },
      stdin: "null",
    }).outputSync();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const PINNED = `echo "deno 2.9.6 (stub)"`;
const OTHER = `echo "deno 1.46.3 (stub)"`;

/** An npm that puts a pinned Deno into its prefix. */
const NPM = `prefix=$MACHINE
[ "$3" = --prefix ] && prefix=$4
mkdir -p "$prefix/bin"
printf '#!/bin/sh\\necho "deno 2.9.6 (npm)"\\n' >"$prefix/bin/deno"
chmod 755 "$prefix/bin/deno"
echo "added 1 package"`;

function withNpm(machine: Machine): Machine {
  machine.env.MACHINE = machine.folder;
  Deno.symlinkSync("/usr/bin/chmod", `${machine.folder}/bin/chmod`);
  return machine.stub("npm", NPM);
}

const DENO = `find_deno || install_deno; code=$?; echo "$DENO"; exit $code`;

Deno.test("run.sh hands over to Deno and installs nothing", () => {
  using machine = new Machine();
  machine.file("driver.json").stub("npm").stub("apt-get");
  machine.env.VK_DRIVER_FILES = `${machine.folder}/driver.json`;
  machine.stub(
    "deno",
    `[ "$1" = --version ] && ${PINNED} && exit
echo "$XDG_RUNTIME_DIR $DENO_WEBGPU_BACKEND $DENO_NO_UPDATE_CHECK"
for argument in "$@"; do echo "$argument"; done
exit 7`,
  );
  const { code, out, err } = machine.run([
    `${SCRIPTS}/run.sh`,
    "chat",
    "two words",
  ]);
  assertEquals(err, "");
  assertEquals(out.trim().split("\n"), [
    "/tmp vulkan 1",
    "run",
    "-A",
    "--config",
    `${ROOT}/deno.json`,
    `${ROOT}/mod.ts`,
    "chat",
    "two words",
  ]);
  assertEquals(code, 7);
  assertEquals(machine.log(), []);
});

Deno.test("test.sh runs the tests in the project's folder and counts them", () => {
  using machine = new Machine();
  machine.file("driver.json");
  machine.env.VK_DRIVER_FILES = `${machine.folder}/driver.json`;
  machine.env.XDG_RUNTIME_DIR = "/run/mine";
  machine.env.DENO_WEBGPU_BACKEND = "gl";
  machine.stub(
    "deno",
    `[ "$1" = --version ] && ${PINNED} && exit
echo "$PWD $XDG_RUNTIME_DIR $DENO_WEBGPU_BACKEND $*"
echo "ok | 12 passed (3 steps) | 0 failed (2s)"
echo "FAILED | 5 passed | 2 failed (1 step) (2s)"
exit 5`,
  );
  const { code, out } = machine.run([`${SCRIPTS}/test.sh`]);
  const lines = out.trim().split("\n");
  assertEquals(lines[0], `${ROOT} /run/mine gl task test`);
  assertEquals(lines.at(-1), "17 passed, 2 failed"); // all parts together
  assertEquals(code, 5);
});

Deno.test("_setup.sh installs Deno for everyone where there is none", () => {
  using machine = withNpm(new Machine());
  const { code, out, err } = machine.sh(DENO);
  assertEquals(code, 0);
  assertEquals(out, "deno\n"); // what npm says goes to stderr
  assertStringIncludes(err, "added 1 package");
  assertEquals(machine.log(), ["npm install --global deno@2.9.6"]);
});

Deno.test("_setup.sh leaves another Deno as it is", () => {
  using machine = withNpm(new Machine()).stub("deno", OTHER);
  const cache = `${machine.folder}/home/.cache/moeno/deno-2.9.6`;
  const first = machine.sh(DENO);
  assertEquals(first.out, `${cache}/bin/deno\n`);
  const again = machine.sh(DENO);
  assertEquals(again.out, `${cache}/bin/deno\n`);
  assertEquals(again.err, "");
  assertEquals(machine.log(), [
    `npm install --global --prefix ${cache} deno@2.9.6`,
  ]);
});

Deno.test("_setup.sh installs Deno without root", () => {
  using machine = withNpm(new Machine({ uid: 1000 }));
  machine.env.XDG_CACHE_HOME = `${machine.folder}/cache`;
  const { code, out } = machine.sh(DENO);
  assertEquals(code, 0);
  assertEquals(out, `${machine.folder}/cache/moeno/deno-2.9.6/bin/deno\n`);
});

Deno.test("_setup.sh says in a sentence why there is no Deno", () => {
  using machine = new Machine();
  const none = machine.sh(`${DENO}`);
  assertEquals(none.code, 1);
  assertMatch(
    none.err,
    /^error: Cannot install Deno 2\.9\.6: npm is missing.*\n$/,
  );
  machine.stub("npm", "echo no network; exit 1");
  const failed = machine.sh(DENO);
  assertEquals(failed.code, 1);
  assertMatch(
    failed.err,
    /error: Cannot install Deno 2\.9\.6: npm install .*\n$/,
  );
});

Deno.test("_setup.sh finds Vulkan only where loader and driver are", () => {
  using machine = new Machine();
  const { folder } = machine;
  const check = (root = "root", ldconfig = "/none") =>
    machine.sh(`has_vulkan "${folder}/${root}" "${ldconfig}"`).code;
  assertEquals(check(), 1);
  machine.file("root/usr/lib/x86_64-linux-gnu/libvulkan.so.1");
  assertEquals(check(), 1);
  machine.file("root/etc/vulkan/icd.d/nvidia_icd.json");
  assertEquals(check(), 0);

  machine.file("other/usr/share/vulkan/icd.d/lvp_icd.x86_64.json");
  assertEquals(check("other"), 1);
  machine.stub("ldconfig", `echo "libvulkan.so.1 => /opt/libvulkan.so.1"`);
  assertEquals(check("other", `${folder}/bin/ldconfig`), 0);
  machine.file("libraries/libvulkan.so.1");
  machine.env.LD_LIBRARY_PATH = `/none:${folder}/libraries`;
  assertEquals(check("other"), 0);

  assertEquals(check("empty"), 1);
  machine.file("my driver.json");
  machine.env.VK_ICD_FILENAMES = `/none.json:${folder}/my driver.json`;
  assertEquals(check("empty"), 0);
  machine.env.VK_DRIVER_FILES = "/none.json";
  assertEquals(check("empty"), 1);
});

Deno.test("_setup.sh installs Mesa's driver, updating lists if it must", () => {
  const install = "apt-get install -y --no-install-recommends " +
    "mesa-vulkan-drivers libvulkan1";
  {
    using machine = new Machine().stub("apt-get", "echo Setting up");
    machine.stub("apt-cache");
    const { code, out } = machine.sh("install_vulkan");
    assertEquals([code, out], [0, ""]);
    assertEquals(machine.log(), [install]);
  }
  {
    using machine = new Machine().stub("apt-get").stub("apt-cache", "exit 100");
    assertEquals(machine.sh("install_vulkan").code, 0);
    assertEquals(machine.log(), ["apt-get update", install]);
  }
  {
    using machine = new Machine({ uid: 1000 }).stub("apt-get");
    machine.stub("apt-cache").stub("sudo", `shift; "$@"`);
    assertEquals(machine.sh("install_vulkan").code, 0);
    assertEquals(machine.log(), [
      `sudo -n env DEBIAN_FRONTEND=noninteractive ${install}`,
      install,
    ]);
  }
});

Deno.test("_setup.sh says in a sentence why there is no Vulkan", () => {
  const packages = "mesa-vulkan-drivers libvulkan1";
  {
    using machine = new Machine({ uid: 1000 }).stub("apt-get");
    const { code, err } = machine.sh("install_vulkan");
    assertEquals(code, 1);
    assertEquals(
      err,
      "error: Cannot install a Vulkan driver without root: ask for the " +
        `packages ${packages}\n`,
    );
  }
  {
    using machine = new Machine();
    const { code, err } = machine.sh("install_vulkan");
    assertEquals(code, 1);
    assertMatch(err, /^error: Cannot find a Vulkan driver: .*\n$/);
  }
  {
    using machine = new Machine().stub("apt-get", "exit 1");
    const { code, err } = machine.sh("install_vulkan");
    assertEquals(code, 1);
    assertStringIncludes(err, `apt-get failed on the packages ${packages}`);
  }
});

for (
  const [what, name, path] of [
    ["browser", "chromium", "usr/bin/chromium"],
    ["balancer", "haproxy", "usr/sbin/haproxy"],
  ] as const
) {
  Deno.test(`_setup.sh installs a ${what} for tests, or goes on without`, () => {
    const install = `apt-get install -y --no-install-recommends ${name}`;
    const setUp = (machine: Machine) =>
      machine.sh(`setup_${what} "${machine.folder}"`);
    {
      using machine = new Machine().stub("apt-get").stub("apt-cache");
      assertEquals(setUp(machine).code, 0);
      assertEquals(machine.log(), [install]);
      machine.file(path);
      assertEquals(setUp(machine).code, 0);
      assertEquals(machine.log(), [install], "it is there");
    }
    {
      using machine = new Machine().stub("apt-get", "exit 1");
      const { code, err } = setUp(machine);
      assertEquals(code, 0);
      assertMatch(err, new RegExp(`no ${name} to be had`, "i"));
    }
    {
      using machine = new Machine();
      assertEquals(setUp(machine), { code: 0, out: "", err: "" });
    }
  });
}
