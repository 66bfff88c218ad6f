// deno-lint-ignore-file camelcase -- the names are those of the API
/** `moeno serve` as a process: what it prints, and how it ends. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { moeno, start } from "./_program.ts";

/** A served model. */
interface Served extends AsyncDisposable {
  readonly url: string;
  /** What it wrote to stderr so far. */
  stderr(): string;
  /** Sends a signal; resolves to the exit code. */
  stop(signal: Deno.Signal): Promise<number>;
}

async function serveModel(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const child = start(["serve", "--port", "0", ...flags], { env });
  await child.stdin.close();
  let stderr = "";
  const listening = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (
      const text of child.stderr.pipeThrough(new TextDecoderStream())
    ) {
      stderr += text;
      const url = /Listening on (\S+)/.exec(stderr)?.[1];
      if (url !== undefined) listening.resolve(url);
    }
    listening.reject(new Error(`it ended: ${stderr}`));
  })();
  const stop = async (signal: Deno.Signal) => {
    child.kill(signal);
    const { code } = await child.status;
    await reading;
    await child.stdout.cancel();
    return code;
  };
  listening.promise.catch(() => {});
  return {
    url: await listening.promise,
    stderr: () => stderr,
    stop,
    async [Symbol.asyncDispose]() {
      try {
        await stop("SIGKILL");
      } catch {
        // it has ended already
      }
    },
  };
}

const HEADERS = { authorization: "Bearer sk-secret" };

const STORY = { prompt: "Once upon a time", seed: 4, max_tokens: 40 };

function ask(url: string, body: object): Promise<Response> {
  return fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: HEADERS,
    body: JSON.stringify({ ...STORY, ...body }),
  });
}

Deno.test("serve answers, and ends at SIGTERM once the running answer has", async () => {
  const flags = ["--context", "256"];
  await using server = await serveModel(flags, { MOENO_API_KEY: "sk-secret" });
  for (const path of ["/health", "/metrics"]) {
    await (await fetch(server.url + path, { headers: HEADERS })).body?.cancel();
  }
  await (await fetch(`${server.url}/metrics`)).body?.cancel();
  const { choices } = await (await ask(server.url, { max_tokens: 5 })).json();
  assertStringIncludes(server.stderr(), `${server.url}/v1 with your key`);
  assertStringIncludes(
    server.stderr(),
    "POST /v1/completions 200, ",
  );
  // Probes come every second; only those that fail are told.
  assert(!/ \/(health|metrics) 200/.test(server.stderr()), server.stderr());
  assertStringIncludes(server.stderr(), "GET other 401, ");
  const told = await moeno(
    ["generate", STORY.prompt, "--seed", "4", "--max-tokens", "5"],
  );
  assertEquals(told.stdout, `${choices[0].text}\n`);
  const response = await ask(server.url, { stream: true, ignore_eos: true });
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = (await reader.read()).value ?? "";
  const stopped = server.stop("SIGTERM"); // in the middle of the answer
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  assertStringIncludes(text, '"finish_reason":"length"');
  assert(text.endsWith("data: [DONE]\n\n"));
  assertEquals(await stopped, 0);
  assertStringIncludes(server.stderr(), "Stopping; once more stops at once.");
  assert(!server.stderr().includes("sk-secret"));
});

Deno.test("serve ends at once at a second Ctrl-C", async () => {
  await using server = await serveModel([]);
  const endless = { stream: true, max_tokens: 500, ignore_eos: true };
  const response = await ask(server.url, endless);
  const reader = response.body!.getReader();
  await reader.read();
  const first = server.stop("SIGINT");
  while (!server.stderr().includes("Stopping")) await reader.read();
  await server.stop("SIGINT").catch(() => {});
  assertEquals(await first, 130);
  await reader.cancel().catch(() => {});
});

Deno.test("serve --grace says how long the running answer may go on", async () => {
  await using server = await serveModel(["--grace", "0"]);
  const endless = { stream: true, max_tokens: 500, ignore_eos: true };
  const response = await ask(server.url, endless);
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = (await reader.read()).value ?? "";
  const stopped = server.stop("SIGTERM");
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  assertStringIncludes(text, '"code":"server_stopping"');
  assertEquals(await stopped, 0);
});

Deno.test("serve says what does not go, before it loads a model", async () => {
  const { code, stderr } = await moeno(["serve", "--port", "70000"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "wanted an integer from 0 to 65535");
  const taken = Deno.listen({ port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const used = await moeno(["serve", "--host", "0.0.0.0", "--port", `${port}`]);
  taken.close();
  assertEquals([used.code, used.stdout], [1, ""]);
  assertStringIncludes(
    used.stderr,
    `Cannot listen at 0.0.0.0:${port}: the port is in use, wanted a free one; --port 0 takes any`,
  );
  const env = { MOENO_API_KEY: "sk-secret" };
  const config = await moeno(["config", "--json"], { env });
  assert(!config.stdout.includes("sk-secret"), config.stdout);
  assertStringIncludes(config.stdout, "MOENO_API_KEY");
});
