import type { Tokenizer } from "../text/tokenizer.ts";

/**
 * The tokens of a vocabulary by their bytes: each node is a text that some token
 * begins with. Nodes are numbers; node 0 is the empty text. The children of a node
 * are a linked list, and come after it.
 */
export interface TokenTrie {
  /** The byte that leads to each node: (nodes) */
  readonly byteOf: Uint8Array;
  /** The first child of each node, 0 for none: (nodes) */
  readonly childOf: Int32Array;
  /** The next child of the same parent, 0 for none: (nodes) */
  readonly nextOf: Int32Array;
  /** The first token that ends at each node, -1 for none: (nodes) */
  readonly tokenOf: Int32Array;
  /** The next token of the same bytes, -1 for none: (vocabSize) */
  readonly sameOf: Int32Array;
  /** Bytes of the longest token. */
  readonly longest: number;
}

const tries = new WeakMap<Tokenizer, TokenTrie>();

/**
 * Makes the trie of a tokenizer, once. Special tokens and those without bytes are
 * left out: they are no text.
 *
 * @param tokenizer Whose.
 * @returns The trie.
 */
export function tokenTrie(tokenizer: Tokenizer): TokenTrie {
  let trie = tries.get(tokenizer);
  if (trie === undefined) tries.set(tokenizer, trie = makeTrie(tokenizer));
  return trie;
}

function makeTrie(tokenizer: Tokenizer): TokenTrie {
  const bytes: number[] = [0];
  const children: number[] = [0];
  const nexts: number[] = [0];
  const tokens: number[] = [-1];
  let longest = 0;
  const sameOf = new Int32Array(tokenizer.vocabSize).fill(-1);
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const text = tokenizer.bytesOf(id);
    if (text.length === 0 || tokenizer.isSpecial(id)) continue;
    longest = Math.max(longest, text.length);
    let node = 0;
    for (const byte of text) {
      let child = children[node]!;
      while (child !== 0 && bytes[child] !== byte) child = nexts[child]!;
      if (child === 0) {
        child = bytes.push(byte) - 1;
        children.push(0);
        nexts.push(children[node]!);
        tokens.push(-1);
        children[node] = child;
      }
      node = child;
    }
    sameOf[id] = tokens[node]!;
    tokens[node] = id;
  }
  return {
    byteOf: Uint8Array.from(bytes),
    childOf: Int32Array.from(children),
    nextOf: Int32Array.from(nexts),
    tokenOf: Int32Array.from(tokens),
    sameOf,
    longest,
  };
}
