import { assertEquals } from "@std/assert";
import { changeOf } from "./file_mark.ts";

const BEFORE = { dev: 1, ino: 2, size: 100, mtime: new Date(5) };

Deno.test("changeOf() says how a file differs from what it was", () => {
  const change = (what: Partial<Deno.FileInfo>) =>
    changeOf({ ...BEFORE, mtime: new Date(5), ...what }, BEFORE);
  assertEquals(change({}), null);
  assertEquals(
    change({ size: 99, mtime: new Date(6) }),
    "it was cut short after it was opened: it has 99 bytes, had 100",
  );
  assertEquals(
    change({ size: 101 }),
    "it grew after it was opened: it has 101 bytes, had 100",
  );
  const another = "another file took its place after it was opened";
  assertEquals(change({ ino: 3 }), another);
  assertEquals(change({ dev: 3 }), another);
  assertEquals(
    change({ mtime: new Date(6) }),
    "it was written to after it was opened",
  );
});

Deno.test("changeOf() takes systems that know less", () => {
  const little = { dev: 0, ino: null, size: 100, mtime: null };
  assertEquals(changeOf(little, { ...little }), null);
});
