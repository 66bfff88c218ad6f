import { bold, dim } from "@std/fmt/colors";
import {
  type CommandPermissions,
  type Permission,
  permissionFlags,
} from "./permissions.ts";
import { LINE_WIDTH, wrap } from "./wrap.ts";

/**
 * Says which of Deno's permissions a command needs, and which it only uses.
 *
 * @param name The command.
 * @param permissions Its permissions.
 * @returns Several lines.
 */
export function permissionHelp(
  name: string,
  { needs, uses }: CommandPermissions,
): string {
  const line = ["deno run --no-prompt", ...permissionFlags(needs)];
  return [
    "",
    bold("Permissions, where Deno runs it from its source:"),
    `  ${line.join(" ")} mod.ts ${name}`,
    ...rows(needs),
    ...uses.length === 0 ? [] : ["Without these it does less:", ...rows(uses)],
    "",
  ].join("\n");
}

/** An entry for each scope, which may be of two kinds. */
function rows(permissions: readonly Permission[]): string[] {
  const byScope = Map.groupBy(permissions, ({ scope }) => scope);
  return [...byScope.values()].flatMap((same) => {
    const flags = permissionFlags(same).join(" ");
    const text = `${flags} ${dim(`[${same[0]!.purpose}]`)}`;
    return wrap(text, LINE_WIDTH - 4)
      .map((line, i) => (i === 0 ? "  " : "    ") + line);
  });
}
