import { assertEquals } from "@std/assert";
import type { PulledModel } from "./models_folder.ts";
import {
  isWhole,
  parsePulledModel,
  readPulledModel,
  writePulledModel,
} from "./pulled_model.ts";

const MODEL: PulledModel = {
  owner: "o",
  name: "n",
  revision: "main",
  endpoint: "https://hub.example",
  commit: null,
  pulledAt: "2026-01-01T00:00:00.000Z",
  files: [{ path: "config.json", byteLength: 2, sha256: null, gitSha1: null }],
};

Deno.test("readPulledModel() reads what writePulledModel() wrote", async () => {
  const path = await Deno.makeTempDir({ prefix: "moeno-test-" });
  try {
    assertEquals(await readPulledModel(path), null);
    await writePulledModel(path, MODEL);
    assertEquals(await readPulledModel(path), MODEL);
    assertEquals(await isWhole(path, MODEL.files), false);
    await Deno.writeTextFile(`${path}/config.json`, "{");
    assertEquals(await isWhole(path, MODEL.files), false);
    await Deno.writeTextFile(`${path}/config.json`, "{}");
    assertEquals(await isWhole(path, MODEL.files), true);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("parsePulledModel() reads what earlier versions wrote", () => {
  const files = [{ path: "config.json", byteLength: 2, sha256: null }];
  const text = JSON.stringify({ ...MODEL, files });
  assertEquals(parsePulledModel(text), MODEL);
});

Deno.test("parsePulledModel() refuses what makes no sense", () => {
  for (
    const value of [
      ...[null, 7, {}, { ...MODEL, owner: 7 }, { ...MODEL, commit: undefined }],
      ...[{ ...MODEL, files: {} }, { ...MODEL, files: [{ path: 7 }] }],
      { ...MODEL, files: [{ ...MODEL.files[0], gitSha1: 7 }] },
      ...[{ ...MODEL, pulledAt: null }, { ...MODEL, pulledAt: undefined }],
    ]
  ) assertEquals(parsePulledModel(JSON.stringify(value)), null);
  assertEquals(parsePulledModel("{"), null);
});

Deno.test("parsePulledModel() refuses files outside of the model's directory", () => {
  const [file] = MODEL.files;
  for (const path of ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:x", ""]) {
    const value = { ...MODEL, files: [{ ...file, path }] };
    assertEquals(parsePulledModel(JSON.stringify(value)), null);
  }
});
