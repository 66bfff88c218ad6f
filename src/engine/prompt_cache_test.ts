import { assertEquals } from "@std/assert";
import { PromptCache } from "./prompt_cache.ts";

/** Makes room and adds, as `Conversations` does. */
function add(
  cache: PromptCache<{ ids: number[] }>,
  ids: number[],
  size: number,
) {
  const sequence = { ids };
  const hasRoom = cache.makeRoom(ids, size);
  if (hasRoom) cache.add(sequence, size);
  return hasRoom ? sequence : null;
}

const held = (cache: PromptCache<{ ids: number[] }>) =>
  [...cache.sequences].map(({ ids }) => ids);

Deno.test("PromptCache evicts what was not used for longest", () => {
  const cache = new PromptCache<{ ids: number[] }>(30);
  const first = add(cache, [1], 10)!;
  add(cache, [2], 10);
  add(cache, [3], 10);
  cache.use(first);
  add(cache, [4], 15);
  assertEquals(held(cache), [[1], [4]]);
  assertEquals(cache.size, {
    byteLength: 25,
    byteLimit: 30,
    count: 2,
    evictions: 2,
  });
});

Deno.test("PromptCache holds no sequence that another goes on from", () => {
  const cache = new PromptCache<{ ids: number[] }>(100);
  add(cache, [1, 2], 20);
  add(cache, [1, 3], 20);
  add(cache, [1, 2, 4], 30);
  add(cache, [1, 2, 4], 30);
  assertEquals(held(cache), [[1, 3], [1, 2, 4]]);
  assertEquals(cache.size.byteLength, 50);
  assertEquals(cache.size.evictions, 0);
});

Deno.test("PromptCache lets what is larger than itself push nothing out", () => {
  const cache = new PromptCache<{ ids: number[] }>(30);
  add(cache, [1], 30);
  assertEquals(add(cache, [1, 2], 31), null);
  assertEquals(held(cache), [[1]]);
});
