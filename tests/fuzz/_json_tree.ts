/**
 * JSON as a tree that can also hold what is no JSON, or what no JavaScript value
 * is: a key twice, `1e999`, a megabyte of brackets.
 */

/** A part of a text. */
export type Tree =
  | { readonly kind: "object"; readonly entries: readonly Entry[] }
  | { readonly kind: "array"; readonly items: readonly Tree[] }
  | { readonly kind: "raw"; readonly text: string };

/** A key with its value; the key is written as it is. */
export type Entry = readonly [key: string, value: Tree];

/**
 * Makes a tree of a value.
 *
 * @param value Anything that is JSON.
 * @returns The tree.
 */
export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { kind: "array", items: value.map(treeOf) };
  if (typeof value !== "object" || value === null) {
    return { kind: "raw", text: JSON.stringify(value) };
  }
  const entries = Object.entries(value).map(([key, child]): Entry => [
    JSON.stringify(key),
    treeOf(child),
  ]);
  return { kind: "object", entries };
}

/**
 * Writes a tree.
 *
 * @param tree The tree.
 * @returns The text.
 */
export function textOf(tree: Tree): string {
  if (tree.kind === "raw") return tree.text;
  if (tree.kind === "array") return `[${tree.items.map(textOf).join(",")}]`;
  const entries = tree.entries.map(([key, value]) => `${key}:${textOf(value)}`);
  return `{${entries.join(",")}}`;
}

/**
 * Counts the parts of a tree.
 *
 * @param tree The tree.
 * @returns How many there are, itself included.
 */
export function countParts(tree: Tree): number {
  return childrenOf(tree).reduce((sum, child) => sum + countParts(child), 1);
}

/**
 * Changes one part of a tree.
 *
 * @param tree The tree.
 * @param index Which part: parents come before their children.
 * @param change Makes the part anew.
 * @returns The new tree.
 */
export function changePart(
  tree: Tree,
  index: number,
  change: (part: Tree) => Tree,
): Tree {
  let left = index;
  const walk = (part: Tree): Tree => {
    if (left-- === 0) return change(part);
    if (left < 0) return part;
    if (part.kind === "array") {
      return { ...part, items: part.items.map(walk) };
    }
    if (part.kind === "object") {
      return {
        ...part,
        entries: part.entries.map(([key, value]): Entry => [key, walk(value)]),
      };
    }
    return part;
  };
  return walk(tree);
}

function childrenOf(tree: Tree): readonly Tree[] {
  if (tree.kind === "array") return tree.items;
  return tree.kind === "object" ? tree.entries.map(([, value]) => value) : [];
}
