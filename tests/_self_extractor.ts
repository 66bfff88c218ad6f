/** Small executables that unpack themselves, on machines that fail as they are told. */

import { writeSelfExtractor } from "../scripts/build/self_extractor.ts";

/** What the small program writes, whatever its arguments. */
export const SAID = "it runs";

/** In place of Deno: says that it runs, if its files are what they were. */
const FAKE_DENO = `#!/bin/sh
[ "$1" = --version ] && echo "deno 0" && exit
for argument; do case $argument in */moeno.js) read -r text <"$argument" ;; esac; done
echo "$text"
`;

/** Programs that the script calls. */
export const PROGRAMS: readonly string[] = [
  "df",
  "gzip",
  "id",
  "mkdir",
  "mv",
  "rm",
  "sha256sum",
  "sync",
  "tail",
  "tar",
  "uname",
  "wc",
];

/** What happened to a start. */
export interface Started {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A call of a program, such as the second one of `rm`. */
export interface Call {
  readonly program: string;
  readonly number: number;
}

/** How a start is disturbed. */
export interface Disturbance {
  /** Which program, and which of its calls, counted from 1. */
  readonly call: Call;
  /** What happens: all processes die before or after the call, or it fails. */
  readonly way: "kill before" | "kill after" | "fail";
}

/** A folder with a small executable, a home, and programs that may be disturbed. */
export class Bench implements AsyncDisposable {
  /** Where all is. */
  readonly folder: string;
  /** The executable. */
  readonly file: string;
  /** Where programs are unpacked. */
  readonly home: string;
  /** Where programs count their calls. */
  #calls = "";

  private constructor(folder: string) {
    this.folder = folder;
    this.file = `${folder}/moeno`;
    this.home = `${folder}/home/our caches`;
  }

  /** Makes the executable. */
  static async make(): Promise<Bench> {
    const bench = new Bench(await Deno.makeTempDir({ prefix: "moeno-self-" }));
    const { folder } = bench;
    const packed = `${folder}/packed`;
    await Deno.mkdir(`${packed}/models/small`, { recursive: true });
    await Deno.writeTextFile(`${packed}/deno`, FAKE_DENO, { mode: 0o755 });
    await Deno.writeTextFile(`${packed}/moeno.js`, `${SAID}\n`);
    await Deno.writeTextFile(`${packed}/LICENSE`, "free\n");
    // Larger than what a pipe holds.
    await Deno.writeFile(
      `${packed}/models/small/weights`,
      new Uint8Array(300_000).map((_, i) => Math.imul(i, 0x9e3779b1) >>> 13),
    );
    const { arch, os } = Deno.build;
    const system = os === "darwin" ? "Darwin" : "Linux";
    await writeSelfExtractor(packed, bench.file, {
      version: "1.2.3",
      target: "this-machine",
      machines: [
        `${arch} ${system}`,
        ...(arch === "aarch64" ? [`arm64 ${system}`] : []),
      ],
      flags: ["--unstable-something"],
      compression: "gzip",
    });
    await Deno.mkdir(`${folder}/bin`);
    for (const name of PROGRAMS) await bench.stub(name, REAL);
    return bench;
  }

  /** Puts a program in the place of a real one; `$real` is that. */
  async stub(name: string, script: string): Promise<void> {
    const paths = [`/usr/bin/${name}`, `/bin/${name}`];
    const real = paths.find((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
    await Deno.writeTextFile(
      `${this.folder}/bin/${name}`,
      `#!/bin/sh\nreal=${real}\n${script}\n`,
      { mode: 0o755 },
    );
  }

  /** Starts the executable in a process group of its own. */
  async start({ disturb, env = {}, file = this.file }: {
    disturb?: Disturbance;
    env?: Readonly<Record<string, string>>;
    file?: string;
  } = {}): Promise<Started> {
    const calls = this.#calls = await Deno.makeTempDir({ dir: this.folder });
    const child = new Deno.Command("/usr/bin/setsid", {
      args: [file, "an argument"],
      clearEnv: true,
      cwd: "/",
      env: {
        PATH: `${this.folder}/bin`,
        MOENO_HOME: this.home,
        CALLS: calls,
        CALL: disturb ? `${disturb.call.program} ${disturb.call.number}` : "",
        WAY: disturb?.way ?? "",
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { code, signal, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return {
      code,
      signal,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  /** The programs that the last start called. */
  async calls(): Promise<Call[]> {
    const calls: Call[] = [];
    for await (const { name } of Deno.readDir(this.#calls)) {
      const { size } = await Deno.stat(`${this.#calls}/${name}`);
      for (let number = 1; number <= size; number++) {
        calls.push({ program: name, number });
      }
    }
    return calls;
  }

  /** What lies where programs are unpacked. */
  async unpacked(home = this.home): Promise<string[]> {
    try {
      const entries = await Array.fromAsync(Deno.readDir(`${home}/programs`));
      return entries.map(({ name }) => name).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Forgets all that was unpacked. */
  async clean(): Promise<void> {
    await Deno.remove(`${this.folder}/home`, { recursive: true })
      .catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Counts its calls, a byte each, and does at one of them what it is told. */
const REAL = `
name=\${0##*/}
printf x >>"$CALLS/$name"
if [ "$name $(/usr/bin/wc -c <"$CALLS/$name")" = "$CALL" ]; then
  case $WAY in
    "kill before") kill -9 0 ;;
    "kill after") "$real" "$@"; kill -9 0 ;;
    fail) echo "$name: told to fail" >&2; exit 1 ;;
  esac
fi
exec "$real" "$@"`;
