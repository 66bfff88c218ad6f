import { assertEquals, assertThrows } from "@std/assert";
import { joinModules } from "./join_modules.ts";

Deno.test("joinModules() makes one module that runs", async () => {
  const joined = joinModules([
    "export const one = 1;\nexport function addOne(x) {\n  return x + one;\n}\n",
    "export class Two {\n  value = 2;\n}\nexport async function wait() {}\n",
    'import { addOne } from "./a.js";\nimport {\n  Two,\n  wait,\n} from "./b.js";\n' +
    "await wait();\nglobalThis.joined = addOne(new Two().value);\n",
  ]);
  const { constructor } = Object.getPrototypeOf(async () => {});
  await new constructor(joined)();
  assertEquals(Reflect.get(globalThis, "joined"), 3);
  Reflect.deleteProperty(globalThis, "joined");
});

Deno.test("joinModules() refuses what it would not join well", () => {
  const bad = [
    'import x from "./a.js";\n',
    'import { x } from "https://elsewhere.test/a.js";\n',
    'export * from "./a.js";\n',
    "export default 1;\n",
    "const end = '</script>';\n",
    "const end = '<!-- ';\n",
  ];
  assertThrows(
    () => joinModules(["const a = 1;\n", "export async function* a() {}\n"]),
    SyntaxError,
    "two declare a",
  );
  for (const source of bad) {
    assertThrows(() => joinModules([source]), SyntaxError);
  }
});
