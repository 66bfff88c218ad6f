import { assertEquals } from "@std/assert";
import { type Encodable, leavesOf } from "./encodable.ts";

function leaf(name: string, role?: string): Encodable {
  return { name, encode: () => {}, ...role !== undefined && { role } };
}

/** Names of roles and kernels. */
function namesOf(op: Encodable, tokenCount: number): [string, string][] {
  return [...leavesOf(op, { tokenCount, position: 0 })]
    .map(({ role, op: { name } }) => [role, name]);
}

Deno.test("leavesOf() takes ops apart, and the innermost role counts", () => {
  const experts: Encodable = {
    ...leaf("all", "experts"),
    parts: (tokenCount) =>
      tokenCount === 1
        ? [leaf("up", "w1, w3"), leaf("gate")]
        : [leaf("group"), { ...leaf("none"), parts: () => [] }],
  };
  assertEquals(namesOf(experts, 1), [["w1, w3", "up"], ["experts", "gate"]]);
  assertEquals(namesOf(experts, 2), [["experts", "group"]]);
  assertEquals(namesOf(leaf("combine"), 1), [["combine", "combine"]]);
});
