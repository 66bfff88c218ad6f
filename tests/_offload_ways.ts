/** Which ways to offload are tried: a product, or a part that covers its pairs. */

import type { Random } from "./_random.ts";

/** What each field may be. */
export type Choices<T> = { readonly [K in keyof T]: readonly T[K][] };

/**
 * Lists all combinations.
 *
 * @param choices What each field may be.
 * @returns Every way to choose.
 */
export function product<T extends object>(choices: Choices<T>): T[] {
  let all: Partial<T>[] = [{}];
  for (const name of Object.keys(choices) as (keyof T)[]) {
    all = all.flatMap((way) =>
      choices[name].map((value) => ({ ...way, [name]: value }))
    );
  }
  return all as T[];
}

/**
 * Picks combinations so that every two values of two fields meet in one of them.
 *
 * @param all Every way to choose.
 * @param count How many to pick; more if pairs take more.
 * @param random Picks.
 * @returns The combinations.
 */
export function covering<T extends object>(
  all: readonly T[],
  count: number,
  random: Random,
): T[] {
  const shuffled = all.map((way) => ({ way, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ way }) => way);
  const seen = new Set<string>();
  const picked = new Set<T>();
  // Those that bring many new pairs first.
  for (let least = pairsOf(shuffled[0]!).length; least >= 1; least--) {
    for (const way of shuffled) {
      const fresh = pairsOf(way).filter((pair) => !seen.has(pair));
      if (fresh.length < least) continue;
      for (const pair of fresh) seen.add(pair);
      picked.add(way);
    }
  }
  for (const way of shuffled) {
    if (picked.size >= count) break;
    picked.add(way);
  }
  return [...picked];
}

function pairsOf(way: object): string[] {
  const values = Object.entries(way).map((entry) => JSON.stringify(entry));
  return values.flatMap((a, i) => values.slice(i + 1).map((b) => `${a} ${b}`));
}
