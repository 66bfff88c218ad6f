/** What a hub says: lists of files, whose paths may lead anywhere. */

import fc from "npm:fast-check@4.11.0";
import { assert } from "@std/assert";
import { pullIn } from "../../src/hub/pull.ts";
import { parseModelReference } from "../../src/hub/model_reference.ts";
import { mutatedText } from "./_mutated_bytes.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

const CONTENT = new TextEncoder().encode("{}");
const SHA1 = "9e26dfeeb6e641a33dae4961196235bdb965b21b"; // of a git blob of {}
const SHA256 =
  "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

const FILES = ["config.json", "model.safetensors", "tokenizer.json"];

const INFO = {
  sha: "a".repeat(40),
  siblings: FILES.map((rfilename) => ({
    ...{ rfilename, size: 2, blobId: SHA1 },
    ...rfilename.endsWith("s") && { lfs: { sha256: SHA256, size: 2 } },
  })),
};

const TREE = FILES.map((path) => ({ type: "file", path, size: 2, oid: SHA1 }));

/** Paths that leave a folder, somewhere. */
const PATHS = [
  ...["../x.json", "..\\x.json", "/tmp/x.json", "a/../../x.json", "C:x.json"],
  ...[
    "./x.json",
    "a/./x.json",
    "x.json\0",
    "con.json",
    "CONFIG.JSON",
    "x.json/",
  ],
  ...["..", "\u202e.json", "moeno-source.json", "pull-state.json", "~/x.json"],
  ...[
    "a//x.json",
    ".json",
    "．．/x.json",
    "x.json ",
    "%2e%2e/x.json",
    "a/b.json",
  ],
  ...[
    "config.json/x.json",
    `${"d/".repeat(200)}x.json`,
    `${"n".repeat(300)}.json`,
  ],
  ...["x\n.json", "é.json", "e\u0301.json", "\ud800.json", "*.json", "?.json"],
];

/** The answers of a hub. */
interface Input {
  readonly info: string;
  readonly tree: string;
  readonly include: string;
}

let pulls = 0;

/** `pull()` */
export const HUB: Target<Input> = {
  name: "hub",
  cases: 60,
  inputs: fc.record({
    info: mutatedJson([INFO, { sha: null, siblings: [{ rfilename: "x" }] }], {
      values: [...PATHS, INFO.siblings[1], 2, SHA256, 9007199254740991],
    }),
    tree: mutatedJson([TREE], { values: PATHS }),
    include: fc.constantFrom("*", "**/*", "x.json"),
  }),
  async feed({ info, tree, include }, { path }) {
    const place = `${path}/${pulls++}`;
    const home = `${place}/deep/home`;
    const real = globalThis.fetch;
    globalThis.fetch = (url) => {
      const response = answer(url, { info, tree });
      // That of a real answer says where it came from.
      Object.defineProperty(response, "url", { value: String(url) });
      return Promise.resolve(response);
    };
    try {
      return await verdictOf(async () => {
        const { directory } = await pullIn("o/n", {
          ...{ endpoint: "https://hub.example", home, token: null },
          include: [include],
        }, {
          wait: () => Promise.resolve(),
          freeByteLength: () => Promise.resolve(null),
          stallMs: 5000,
        });
        assert(directory === `${home}/models/o/n`, directory);
      });
    } finally {
      globalThis.fetch = real;
      await onlyHolds(place, ["deep"]);
      await onlyHolds(`${place}/deep`, ["home"]);
      await onlyHolds(home, ["models"]);
      await onlyHolds(`${home}/models`, ["o"]);
      await Deno.remove(place, { recursive: true }).catch(() => {});
    }
  },
};

function answer(
  url: string | URL | Request,
  { info, tree }: Pick<Input, "info" | "tree">,
): Response {
  const { pathname } = new URL(String(url));
  if (pathname.includes("/tree/")) return new Response(tree);
  if (pathname.startsWith("/api/")) return new Response(info);
  return new Response(CONTENT);
}

/** Nothing may be written beside the folder of the model. */
async function onlyHolds(
  folder: string,
  names: readonly string[],
): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      assert(names.includes(name), `${folder} holds ${name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Names of models, as they are typed. */
export const MODEL_NAMES: Target<string> = {
  name: "model names",
  cases: 500,
  inputs: mutatedText([
    ...["owner/name", "owner/name@revision", "../..", "a/..", "..%2f..@x"],
    ...["https://huggingface.co/owner/name/tree/main", "hf.co/a/b"],
    ...["https://evil.example/..%2f..%2f/x", "a/b@../../c", "http://[::1]/a/b"],
  ]),
  feed: (text) =>
    verdictOf(() => {
      const { owner, name } = parseModelReference(text);
      for (const part of [owner, name]) {
        assert(/^\w[\w.-]*$/.test(part) && !part.includes(".."), part);
      }
    }),
};
