import { assertEquals, assertThrows } from "@std/assert";
import { checkHubPaths } from "./hub_path.ts";

Deno.test("checkHubPaths() is short about long paths", () => {
  const path = `a\n${"x".repeat(10_000)}`;
  const { message } = assertThrows(() => checkHubPaths([path]), Error);
  assertEquals(message.length < 300, true, message);
});

Deno.test("checkHubPaths() lets files and folders pass", () => {
  checkHubPaths([
    ...["n".repeat(255), "d/".repeat(500) + "x"],
    ...["config.json", ".gitattributes", "a/b/c.txt", "a/..b", "a b.txt"],
    ...["ünïcode.json", "console.json", "~x", "a...b"],
  ]);
});

Deno.test("checkHubPaths() refuses what leaves the directory or is no file", () => {
  for (
    const path of [
      ...[
        "../x",
        "a/../../x",
        "..",
        ".",
        "a/./b",
        "/etc/passwd",
        "//x",
        "a//b",
      ],
      ...[
        "",
        "a/",
        "C:x",
        "C:/x",
        "c:\\x",
        "a\\b",
        "..\\x",
        "x\0",
        "x\ny",
        "x\x9b2J",
      ],
      ...["x:stream", "NUL", "con.json", "a/aux/b", "x.", "x ", "lpt1.txt"],
      ...["x?", "*.json", "a|b", "<x>", 'x".json', "x\x9b2J", "x\u202egpj.exe"],
      ...["\ud800.json", "a/\udc00", "n".repeat(256), "é".repeat(128)],
      ...["d/".repeat(600) + "x"],
    ]
  ) {
    assertThrows(() => checkHubPaths([path]), Error, "Cannot write ");
  }
});

Deno.test("checkHubPaths() refuses two of a name, and names that are taken", () => {
  const refuse = (paths: string[]) =>
    assertThrows(
      () => checkHubPaths(paths, ["manifest.json"]),
      Error,
      "its name is taken",
    );
  refuse(["a/x.json", "a/X.json"]);
  refuse(["Manifest.json"]);
  refuse(["manifest.json/x"]);
  refuse(["é.json", "e\u0301.json"]); // one file on a Mac
  refuse(["a/b/c", "a/b"]);
  refuse(["a/B", "a/b/c"]);
  refuse(["a/b/c", "A"]);
});
