import { assertEquals } from "@std/assert";
import { modelTable } from "./list.ts";

Deno.test("modelTable() gives each model a line, whatever its folder is called", () => {
  const model = {
    name: "me/\u001b[31mred\nblue",
    directory: "/models/me/x",
    path: "/models/me/x",
    isBundled: false,
    isWhole: true,
    byteLength: 2 ** 20,
    source: null,
  };
  assertEquals(modelTable([model, { ...model, name: "me/模型" }]).split("\n"), [
    "name                 size  from",
    "me/\uFFFD[31mred blue  1.0 MiB  unknown",
    "me/模型           1.0 MiB  unknown",
    "",
  ]);
});
