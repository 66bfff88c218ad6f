/** JSON that is nearly right. */

import fc from "npm:fast-check@4.11.0";
import {
  changePart,
  countParts,
  type Entry,
  textOf,
  type Tree,
  treeOf,
} from "./_json_tree.ts";
import { mutatedText } from "./_mutated_bytes.ts";

/** What stands where something else was wanted, the simplest first. */
const ODD: readonly string[] = [
  ...["null", "0", "1", "-1", "true", "false", '""', "[]", "{}", "2", "7"],
  ...["1.5", "-0", "1e308", "-1e308", "1e999", "-1e999", "1e-320", "NaN"],
  ...["255", "256", "65535", "65536", "2147483647", "2147483648", "4294967296"],
  ...["9007199254740991", "9007199254740992", "1000000000000000"],
  ...["18446744073709551615", "18446744073709551616", "00", "+1", ".5"],
  ...['"0"', '"\\u0000"', '"\\ud800"', '"é🙂"', '"\\u001b[2J"', '"a\\nb"'],
  ...['"__proto__"', '"constructor"', '"toString"', '"../x"', '"/etc/passwd"'],
  ...['"C:\\\\x"', '" "', '"-"', '"auto"', '"mixtral"', "none", "'a'"],
  ...['{"__proto__":{"x":1}}', "[null]", "[[]]", "[{}]", "[1,2,3]", '["a"]'],
  ...["", ",", "// x\n1"],
];

/** The same, longer than anybody means it. */
const LONG: readonly string[] = [
  `"${"x".repeat(100)}"`,
  `"${"x".repeat(100_000)}"`,
  `"${"é\\n".repeat(3000)}"`,
  `[${"1,".repeat(9999)}1]`,
  `{${Array.from({ length: 2000 }, (_, i) => `"k${i}":${i}`).join()}}`,
  "9".repeat(400),
  ...[50, 127, 128, 1000, 100_000].flatMap((depth) => [
    "[".repeat(depth) + "]".repeat(depth),
    '{"a":'.repeat(depth) + "1" + "}".repeat(depth),
  ]),
];

/** Keys that are special to some. */
const KEYS: readonly string[] = [
  ...['"x"', '""', '"__proto__"', '"constructor"', '"toString"', '"length"'],
  ...[
    '"0"',
    '"-1"',
    '"é"',
    '"\\ud800"',
    '"a b"',
    '"../a"',
    `"${"k".repeat(500)}"`,
  ],
];

/** A text of JSON, or nearly. */
export interface JsonOptions {
  /** Values that belong where these are; they are tried elsewhere, too. */
  readonly values?: readonly unknown[];
  /**
   * Whether also to change characters, whatever they are part of.
   *
   * @default {true}
   */
  readonly hurtsText?: boolean;
}

/** One change of a tree. */
interface Edit {
  readonly where: number;
  readonly how: "replace" | "remove" | "twice" | "rename" | "add" | "wrap";
  readonly text: string;
  readonly key: string;
}

/**
 * Texts of JSON made from valid ones by up to six changes.
 *
 * @param bases Valid values.
 * @param options What else to put there.
 * @returns The texts.
 */
export function mutatedJson(
  bases: readonly unknown[],
  { values = [], hurtsText = true }: JsonOptions = {},
): fc.Arbitrary<string> {
  const trees = bases.map(treeOf);
  const fitting = values.map((value) => JSON.stringify(value));
  const texts = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ODD) },
    { weight: 1, arbitrary: fc.constantFrom(...LONG) },
    { weight: 1, arbitrary: fc.double().map(String) },
    ...fitting.length === 0
      ? []
      : [{ weight: 4, arbitrary: fc.constantFrom(...fitting) }],
  );
  const edit: fc.Arbitrary<Edit> = fc.record({
    where: fc.nat(1e6),
    how: fc.constantFrom<Edit["how"]>(
      ...["replace", "replace", "replace", "remove"] as const,
      ...["twice", "rename", "add", "wrap"] as const,
    ),
    text: texts,
    key: fc.constantFrom(...KEYS),
  });
  const changed = fc.tuple(
    fc.constantFrom(...trees),
    fc.array(edit, { maxLength: 6 }),
  ).map(([tree, edits]) => textOf(edits.reduce(apply, tree)));
  if (!hurtsText) return changed;
  return fc.oneof(
    { weight: 5, arbitrary: changed },
    { weight: 1, arbitrary: mutatedText(trees.map(textOf)) },
  );
}

function apply(tree: Tree, { where, how, text, key }: Edit): Tree {
  const raw: Tree = { kind: "raw", text };
  return changePart(tree, where % countParts(tree), (part) => {
    if (how === "replace") return raw;
    if (how === "wrap") return { kind: "array", items: [part] };
    if (part.kind === "raw") return raw;
    if (part.kind === "array") {
      const items = changeList(part.items, { where, how, added: raw });
      return { kind: "array", items };
    }
    if (how === "rename") {
      const at = where % Math.max(1, part.entries.length);
      const entries = part.entries.map(([name, value], i): Entry => [
        i === at ? key : name,
        value,
      ]);
      return { kind: "object", entries };
    }
    const entries = changeList<Entry>(part.entries, {
      ...{ where, how, added: [key, raw] },
    });
    return { kind: "object", entries };
  });
}

function changeList<Item>(
  list: readonly Item[],
  { where, how, added }: {
    where: number;
    how: Edit["how"];
    added: Item;
  },
): Item[] {
  const at = where % (list.length + 1);
  if (how === "remove") return list.toSpliced(at, 1);
  if (how === "twice" && at < list.length) {
    return list.toSpliced(at, 0, list[at]!);
  }
  return list.toSpliced(at, 0, added);
}
