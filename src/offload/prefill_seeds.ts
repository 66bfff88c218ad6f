/** The last tokens of a prompt whose experts the cache is given. */
const SEED_TOKENS = 4;

/**
 * The experts to seed a cache with after a chunk of a prompt: those of its last
 * tokens, in order, but within each the best expert last, as the most recently
 * used.
 *
 * @param ids The routing of the chunk (T, topK), best first.
 * @param topK Experts of a token.
 * @returns What `ExpertCache.seed()` is to be given.
 */
export function seedsOf(ids: ArrayLike<number>, topK: number): number[] {
  const tokenCount = ids.length / topK;
  const seeds: number[] = [];
  const first = Math.max(0, tokenCount - SEED_TOKENS);
  for (let token = first; token < tokenCount; token++) {
    for (let rank = topK - 1; rank >= 0; rank--) {
      seeds.push(ids[token * topK + rank]!);
    }
  }
  return seeds;
}
