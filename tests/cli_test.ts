/** The command line as a process: streams, signals, exit codes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

const PROGRAM = fromFileUrl(
  new URL("../src/cli/_fake_process.ts", import.meta.url),
);

/** Starts the program with an engine that echoes. */
function start(args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", PROGRAM, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function send(child: Deno.ChildProcess, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

/** Ends stdin and waits. */
async function finish(child: Deno.ChildProcess, isRead = true) {
  await child.stdin.close();
  const [stdout, stderr, { code }] = await Promise.all([
    isRead ? new Response(child.stdout).text() : "",
    new Response(child.stderr).text(),
    child.status,
  ]);
  return { code, stdout, stderr };
}

/** Reads a stream bit by bit. */
class Watcher {
  seen = "";
  readonly #reader: ReadableStreamDefaultReader<string>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Reads until the text has come, or to the end. */
  async until(wanted?: string): Promise<void> {
    while (wanted === undefined || !this.seen.includes(wanted)) {
      const { value, done } = await this.#reader.read();
      if (done) return;
      this.seen += value;
    }
  }
}

Deno.test("chat answers a pipe on stdout only", async () => {
  const child = start(["chat"]);
  await send(child, 'a\r\n"""b\nc"""\n/regen\nlast');
  const { code, stdout, stderr } = await finish(child);
  assertEquals([code, stdout, stderr], [
    0,
    "<a>\n<b\nc>\n<b\nc>\n<last>\n",
    "",
  ]);
});

Deno.test("chat streams, stops at Ctrl-C, goes on, and exits at the prompt", async () => {
  const child = start(["chat"]);
  const stdout = new Watcher(child.stdout);
  await send(child, "x".repeat(500) + "\n");
  await stdout.until("<xx");
  assert(stdout.seen.length < 100, "it streams");
  child.kill("SIGINT");
  await send(child, "b\n");
  await stdout.until("<b>\n");
  // Until the prompt is there, Ctrl-C means the answer: so again and again.
  const timer = setInterval(() => child.kill("SIGINT"), 100);
  const { code } = await child.status;
  clearInterval(timer);
  await stdout.until();
  await child.stderr.cancel();
  await child.stdin.close().catch(() => {});
  assert(/^<x+\n<b>\n$/.test(stdout.seen), stdout.seen);
  assertEquals(code, 130);
});

Deno.test("generate stops at Ctrl-C with what it has", async () => {
  const child = start(["generate", "--chat", "x".repeat(500)]);
  const stdout = new Watcher(child.stdout);
  await stdout.until("<xx");
  child.kill("SIGINT");
  await stdout.until();
  const stderr = await new Response(child.stderr).text();
  await child.stdin.close().catch(() => {});
  assert(/^<x+\n$/.test(stdout.seen), stdout.seen);
  assertStringIncludes(stderr, " tokens: ");
  assertEquals((await child.status).code, 130);
});

Deno.test("generate ends when its reader goes", async () => {
  const child = start(["generate", "--chat", "x".repeat(500)]);
  await child.stdout.cancel();
  const { code, stderr } = await finish(child, false);
  assertEquals([code, stderr], [141, ""]);
});

Deno.test({
  name: "the program says in a sentence what its streams and files refuse",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const [deno, program] = [Deno.execPath(), PROGRAM].map((path) =>
      `'${path}'`
    );
    const run = async (shell: string) => {
      const command = new Deno.Command("sh", {
        args: ["-c", `${deno} run -A --quiet ${program} ${shell}`],
        stdin: "null",
      });
      const { code, stdout, stderr } = await command.output();
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: decode(stdout), stderr: decode(stderr) };
    };
    const [full, unread, wrong, folder, endless] = await Promise.all([
      run("generate ab >/dev/full"),
      run("generate ab 2>/dev/full"),
      run("nonsense 2>/dev/full"),
      run("generate </"),
      run("trace /dev/zero"),
    ]);
    assertEquals(full.code, 1);
    assertStringIncludes(
      full.stderr,
      "error: Cannot write to stdout: No space left on device",
    );
    assertEquals([unread.code, unread.stdout], [0, "!\n"]);
    assertEquals(wrong.code, 2);
    assertEquals(folder.code, 1);
    assertStringIncludes(
      folder.stderr,
      "error: Cannot read the prompt from stdin: it is a directory",
    );
    assertEquals(endless.code, 1);
    assertStringIncludes(
      endless.stderr,
      "error: Cannot read /dev/zero: there is more than 256.0 MiB",
    );
  },
});

Deno.test("the program has no colours where NO_COLOR or no terminal is", async () => {
  const { stdout } = await finish(start(["help"]));
  assert(!stdout.includes("\x1b"));
});

Deno.test("the program ends with a sentence even if nobody awaits", async () => {
  const { code, stdout, stderr } = await finish(start(["reject"]));
  assertEquals(stderr, "error: Cannot hide: nobody awaits this\n");
  assertEquals([code, stdout], [1, ""]);
});
