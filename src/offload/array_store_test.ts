import { assertEquals, assertRejects } from "@std/assert";
import { createArrayStore } from "./array_store.ts";

const SHAPE = { layerCount: 3, expertCount: 4, expertByteLength: 16 };

Deno.test("createArrayStore() holds the experts of its range", async () => {
  let done = 0;
  using store = await createArrayStore({
    ...SHAPE,
    range: { first: 3, count: 6 },
    readExpert: ({ layer, expert }, into) => {
      into.fill(16 * layer + expert);
      return Promise.resolve();
    },
    onExpert: () => done++,
  });
  assertEquals(done, 6);
  assertEquals(store.buffers, []);
  for (let flat = 3; flat < 9; flat++) {
    const id = { layer: Math.floor(flat / 4), expert: flat % 4 };
    assertEquals(store.placeOf(id), null);
    const bytes = await store.read(id);
    assertEquals([...bytes!], Array(16).fill(16 * id.layer + id.expert));
  }
});

Deno.test("createArrayStore() lets the error of a read out", async () => {
  const error = await assertRejects(() =>
    createArrayStore({
      ...SHAPE,
      range: { first: 0, count: 12 },
      readExpert: ({ layer }) =>
        layer < 2 ? Promise.resolve() : Promise.reject(new Error("cut short")),
    })
  );
  assertEquals((error as Error).message, "cut short");
});
