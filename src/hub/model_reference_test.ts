import { assertEquals, assertThrows } from "@std/assert";
import { parseEndpoint, parseModelReference } from "./model_reference.ts";

const HUB = "https://huggingface.co";

Deno.test("parseModelReference() reads names and addresses", () => {
  const cases: [string, string, string][] = [
    ["o/n", HUB, "main"],
    [" o/n ", HUB, "main"],
    ["o/n@v1", HUB, "v1"],
    ["o/n@refs/pr/1", HUB, "refs/pr/1"],
    ["https://huggingface.co/o/n", HUB, "main"],
    ["https://www.huggingface.co/o/n/", HUB, "main"],
    ["huggingface.co/o/n/tree/main", HUB, "main"],
    ["hf.co/o/n", HUB, "main"],
    ["https://huggingface.co/o/n/tree/refs%2Fpr%2F1", HUB, "refs/pr/1"],
    ["https://huggingface.co/o/n?library=x#top", HUB, "main"],
    ["http://localhost:80/o/n/tree/v1", "http://localhost", "v1"],
  ];
  for (const [text, endpoint, revision] of cases) {
    assertEquals(
      parseModelReference(text),
      { endpoint, owner: "o", name: "n", revision },
      text,
    );
  }
});

Deno.test("parseModelReference() takes the hub and the revision of options", () => {
  const endpoint = "https://hub.example/api/hf/";
  const hub = "https://hub.example/api/hf";
  const wanted = { endpoint: hub, owner: "o", name: "n", revision: "v1" };
  const options = { endpoint, revision: "v1" };
  assertEquals(parseModelReference("o/n", options), wanted);
  assertEquals(parseModelReference("o/n@v1", options), wanted);
  assertEquals(parseModelReference(`${hub}/o/n/tree/v1`, options), wanted);
  // The address of another hub says which it is.
  const other = parseModelReference("https://other.example/o/n", options);
  assertEquals(other.endpoint, "https://other.example");
});

Deno.test("parseModelReference() refuses what would not be a safe path", () => {
  for (
    const text of [
      ...["", "n", "o/n/x", "../n", "o/..", "./n", "o/.n", "o/n.", "-o/n"],
      ...["o\\x/n", "/o/n", "o/n\0", "C:/n", "o/a..b", "o/n.part", "o/n@"],
      ...[
        "o/n@a b",
        "o/n@a\0",
        `o/${"n".repeat(97)}`,
        "https://",
        "https://h/",
      ],
      ...[
        "https://h/o",
        "https://h/%2e%2e/n",
        "https://h/o/%2F",
        "https://h/o/%",
      ],
      ...[`${HUB}/o/n/blob/main/a`, `${HUB}/o/n/tree/main/a`, `${HUB}/o/n/x`],
      ...["ftp://h/o/n", "o/n@\ud800"],
    ]
  ) {
    assertThrows(() => parseModelReference(text), SyntaxError, "Cannot take ");
  }
  const wanted: [string, string][] = [
    ["mixtral", "it has no owner, wanted owner/name"],
    [`${HUB}/o/n/blob/main/a.gguf`, "in a model, wanted the model, o/n"],
  ];
  for (const [text, says] of wanted) {
    assertThrows(() => parseModelReference(text), SyntaxError, says);
  }
  assertThrows(
    () => parseModelReference("o/n@v1", { revision: "v2" }),
    SyntaxError,
    "it names revision v1, wanted only one, not v2 too",
  );
});

Deno.test("parseEndpoint() refuses what is no plain address, and shows no password", () => {
  assertEquals(parseEndpoint("https://hub.example/"), "https://hub.example");
  for (const text of ["", "hub.example", "file:///x", "https://h/?a=b"]) {
    assertThrows(() => parseEndpoint(text), SyntaxError, "for a hub");
  }
  const { message } = assertThrows(
    () => parseEndpoint("https://me:hush@hub.example"),
    SyntaxError,
  );
  assertEquals(message.includes("hush"), false);
});
