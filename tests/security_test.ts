/** No code out of texts, no secrets in what the program writes. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { count } from "./_counts.ts";
import { moeno, PROGRAM, start } from "./_program.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

/** What makes code of a text. */
const MAKES_CODE =
  /\beval\s*\(|\bnew\s+Function\b|(?<![.\w])Function\s*\(|\b(?:setTimeout|setInterval)\s*\(\s*["'`]|\bimport\s*\(\s*`|\bdocument\.write\b|\b(?:inner|outer)HTML\b|\binsertAdjacentHTML\b/;

/** All files of a folder whose name ends in `.js`, `.mjs` or `.cjs`. */
async function scriptsBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) paths.push(...await scriptsBelow(path));
    else if (/\.[mc]?js$/.test(name)) paths.push(path);
  }
  return paths;
}

Deno.test("nothing that runs makes code of a text", async () => {
  for (const code of ["eval(a)", "new Function(a)", 'setTimeout("a()", 1)']) {
    assert(MAKES_CODE.test(code), code);
  }
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", PROGRAM],
  }).output();
  const { modules, npmPackages } = JSON.parse(new TextDecoder().decode(stdout));
  const packages = Object.values(npmPackages) as { localPath: string }[];
  const paths = new Set([
    ...modules.flatMap(({ local }: { local?: string }) => local ?? []),
    ...await scriptsBelow(fromFileUrl(new URL("../src", import.meta.url))),
    ...(await Promise.all(
      packages.map(({ localPath }) => scriptsBelow(localPath)),
    )).flat(),
  ]);
  assert(paths.size > 600, `${paths.size} files`);
  assert(packages.length >= 3);
  for (const path of paths) {
    const found = MAKES_CODE.exec(await Deno.readTextFile(path));
    assertEquals(found, null, path);
  }
  count("security", "cases tried", paths.size);
});

/** What nobody is to read anywhere. */
const SECRETS = {
  HF_TOKEN: "hf_sesame1",
  MOENO_API_KEY: "sesame2",
  HF_ENDPOINT: "http://me:sesame3@127.0.0.1:1",
};

Deno.test("no key or token is in what the program writes", async () => {
  using home = tempDirectory();
  const env = {
    ...SECRETS,
    MOENO_HOME: home.path,
    MOENO_CONFIG: `${home.path}/config.json`,
  };
  const runs: readonly (readonly string[])[] = [
    ["config", "set", "serve.api-key", "sesame4"],
    ["config", "--json"],
    ["config", "serve", "--all"],
    ["pull", "owner/name", "--debug"],
    ["pull", "owner/name", "--endpoint", "http://hub.invalid", "--debug"],
    ["serve", "--debug", "--host", "256.0.0.1"],
    ["serve", "--debug", "--model", "/nowhere", "--port", "0", "--verbose"],
  ];
  for (const args of runs) {
    const { stdout, stderr } = await moeno(args, { env });
    assert(!/sesame/.test(stdout + stderr), `${args}: ${stdout}${stderr}`);
  }
  count("security", "cases tried", runs.length);
});

Deno.test("serve runs without code from texts, and tells of no key", async () => {
  using model = await tinyCheckpoint({ config: { "vocab_size": 4096 } });
  const child = start(
    ["serve", "--model", model.path, "--port", "0", "--debug", "--verbose"],
    {
      env: SECRETS,
      permissions: ["-A", "--v8-flags=--disallow-code-generation-from-strings"],
    },
  );
  await child.stdin.close();
  let stderr = "";
  const listening = Promise.withResolvers<string>();
  const reading = (async () => {
    const texts = child.stderr.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      stderr += text;
      const url = /Listening on (\S+)\n/.exec(stderr)?.[1];
      if (url !== undefined) listening.resolve(url);
    }
    listening.reject(new Error(`it ended: ${stderr}`));
  })();
  const url = await listening.promise;
  const ask = async (path: string, key: string, body?: unknown) => {
    const response = await fetch(url + path, {
      headers: { authorization: `Bearer ${key}` },
      ...body !== undefined &&
        { method: "POST", body: JSON.stringify(body) },
    });
    return { status: response.status, text: await response.text() };
  };
  const message = { role: "user", content: "Hi" };
  const chat = { messages: [message], "max_tokens": 2 };
  const schema = {
    type: "object",
    properties: { a: { type: "string", pattern: "^x+$" } },
  };
  const shaped = {
    ...chat,
    "response_format": { type: "json_schema", "json_schema": { schema } },
  };
  let texts = "";
  for (
    const [path, key, status, body] of [
      ["/v1/chat/completions", "sesame2", 200, chat],
      ["/v1/chat/completions", "sesame2", 200, shaped],
      ["/v1/chat/completions", "sesame2", 400, { messages: "sesam" }],
      ["/v1/models?key=sesame2", "sesame9", 401],
      ["/v1/models?key=sesame2", "sesame2", 200],
      ["/nothing?key=sesame2", "sesame2", 404],
      ["/metrics", "sesame2", 200],
      ["/health", "", 200],
      ["/", "sesame2", 200],
    ] as const
  ) {
    const answer = await ask(path, key, body);
    assertEquals(answer.status, status, `${path}: ${answer.text}`);
    texts += answer.text;
  }
  child.kill("SIGTERM");
  await child.status;
  await reading;
  await child.stdout.cancel();
  assert(/POST \/v1\/chat\/completions 200/.test(stderr), stderr);
  assert(!/sesame/.test(stderr + texts), stderr);
});
