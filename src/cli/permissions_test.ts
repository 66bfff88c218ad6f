import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "./commands.ts";
import { permissionHelp } from "./permission_help.ts";
import {
  type Permission,
  permissionFlags,
  PERMISSIONS,
} from "./permissions.ts";

const DOCUMENT = new URL("../../docs/security.md", import.meta.url);

Deno.test("PERMISSIONS has each command, and nothing that opens the machine", () => {
  assertEquals(Object.keys(PERMISSIONS), COMMANDS.map(({ name }) => name));
  for (const [name, { needs, uses }] of Object.entries(PERMISSIONS)) {
    for (const { kind, scope } of needs) {
      assert(["read", "write", "net", "env"].includes(kind), name);
      assert(scope !== "*" && scope !== "/", name);
    }
    const talks = [...needs, ...uses].some(({ kind }) => kind === "net");
    assertEquals(talks, name === "pull" || name === "serve", name);
  }
});

Deno.test("permissionFlags() joins scopes of a kind", () => {
  const permission = (kind: Permission["kind"], scope: string) => ({
    ...{ kind, scope, purpose: "" },
  });
  assertEquals(permissionFlags([]), []);
  assertEquals(
    permissionFlags([
      permission("read", "/a"),
      permission("write", "/b"),
      permission("read", "/b,/a"),
      permission("env", "A_*"),
      permission("env", "*"),
    ]),
    ["--allow-read=/a,/b", "--allow-write=/b", "--allow-env"],
  );
});

Deno.test("permissionHelp() has a line to copy", () => {
  const text = permissionHelp("serve", PERMISSIONS.serve!);
  assertStringIncludes(
    text,
    "\n  deno run --no-prompt --allow-read=<model> --allow-net=127.0.0.1:8080 mod.ts serve\n",
  );
  assertStringIncludes(text, "\nWithout these it does less:\n  --allow-env=");
});

Deno.test("docs/security.md has the permissions of each command", async () => {
  const rows = (await Deno.readTextFile(DOCUMENT)).split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const shown = (permissions: readonly Permission[]) =>
    permissionFlags(permissions).map((flag) => `\`${flag}\``).join(" ") ||
    "none";
  const wanted = Object.entries(PERMISSIONS)
    .map((
      [name, { needs, uses }],
    ) => [`\`${name}\``, shown(needs), shown(uses)]);
  assertEquals(
    rows,
    wanted,
    wanted.map((row) => `| ${row.join(" | ")} |`).join("\n"),
  );
});
