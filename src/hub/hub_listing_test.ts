import { assertEquals, assertRejects } from "@std/assert";
import type { HubClient } from "./hub_client.ts";
import { listModel, parseInfo, parseTree } from "./hub_listing.ts";

const SHA1 = "a6344aac8c09253b3b630fb776ae94478aa0275b";
const SHA256 = "ab".repeat(32);

Deno.test("parseInfo() takes SHA-256 of large files and git's name of small ones", () => {
  const siblings = [
    { rfilename: "config.json", size: 7, blobId: SHA1 },
    {
      rfilename: "model.safetensors",
      size: 134,
      blobId: SHA1,
      lfs: { sha256: SHA256.toUpperCase(), size: 10 ** 10, pointerSize: 134 },
    },
  ];
  assertEquals(parseInfo({ sha: SHA1, siblings }), {
    commit: SHA1,
    files: [
      { path: "config.json", byteLength: 7, sha256: null, gitSha1: SHA1 },
      {
        path: "model.safetensors",
        byteLength: 10 ** 10,
        sha256: SHA256,
        gitSha1: null,
      },
    ],
  });
});

Deno.test("parseInfo() says when it is not told sizes, and what is no list", () => {
  const siblings = [{ rfilename: "config.json" }];
  assertEquals(parseInfo({ sha: SHA1, siblings }), {
    commit: SHA1,
    files: null,
  });
  assertEquals(parseInfo({ sha: "main", siblings: [] })?.commit, null);
  for (const json of [null, 7, [], {}, { siblings: 7 }]) {
    assertEquals(parseInfo(json), null);
  }
  assertEquals(parseInfo({ siblings: [null] })?.files, null);
});

Deno.test("parseTree() reads files and passes over folders", () => {
  const file = { type: "file", path: "a/b.json", size: 3, oid: SHA1 };
  const large = { ...file, path: "c", lfs: { oid: SHA256, size: 9 } };
  assertEquals(parseTree([{ type: "directory", path: "a" }, file, large]), [
    { path: "a/b.json", byteLength: 3, sha256: null, gitSha1: SHA1 },
    { path: "c", byteLength: 9, sha256: SHA256, gitSha1: null },
  ]);
  for (const json of [null, {}, [{ type: "file" }], [{ ...file, size: -1 }]]) {
    assertEquals(parseTree(json), null);
  }
});

Deno.test("listModel() does not read without end", async () => {
  // A chunk is counted before anything is made of it.
  const chunk = { byteLength: 2 ** 29 } as Uint8Array;
  const client: Pick<HubClient, "get"> = {
    get: (_address, _options, read) =>
      read(
        new Response(),
        {
          async *[Symbol.asyncIterator]() {
            while (true) yield new Uint8Array(1), yield chunk;
          },
        } as Parameters<typeof read>[1],
      ),
  };
  const reference = {
    ...{ endpoint: "https://hub.example", owner: "o", name: "n" },
    revision: "main",
  };
  await assertRejects(
    () =>
      listModel(client as HubClient, reference, {
        signal: new AbortController().signal,
        retry: (_action, get) => get(),
      }),
    Error,
    "Cannot pull o/n: the answer is no list of files",
  );
});
