/** `model.safetensors.index.json`: which tensor is in which file. */

import { assert } from "@std/assert";
import { Checkpoint } from "../../src/io/checkpoint.ts";
import { encodeSafetensors } from "../../src/io/safetensors_writer.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

/** What is in the files of the folder. */
const OWN = 7;

/** What is in a file beside the folder, which nobody may open. */
const FOREIGN = 13;

const file = (names: readonly string[], byte: number) =>
  encodeSafetensors(
    names.map((name) => ({
      ...{ name, dtype: "U8", shape: [2] } as const,
      bytes: Uint8Array.of(byte, byte),
    })),
  );

const FILES: Readonly<Record<string, Uint8Array>> = {
  "model/one.safetensors": file(["a.weight", "b"], OWN),
  "model/two.safetensors": file(["c", "w1"], OWN),
  "model/deep/three.safetensors": file(["d", "a.weight"], FOREIGN),
  "outside.safetensors": file(["a.weight", "b", "c", "d", "x"], FOREIGN),
};

const INDEX = {
  metadata: { "total_size": 8 },
  "weight_map": {
    ...{ "a.weight": "one.safetensors", b: "one.safetensors" },
    ...{ c: "two.safetensors", "experts.0.w1": "two.safetensors" },
  },
};

/** Ways out of a folder. */
const ROUTES = [
  ...["../outside.safetensors", "..\\outside.safetensors", "./one.safetensors"],
  ...["deep/three.safetensors", "/etc/passwd", "file:///x.safetensors"],
  ...["..", ".safetensors", "two.safetensors\0", "%2e%2e/outside.safetensors"],
  ...["one.safetensors/../../outside.safetensors", "C:x.safetensors", "."],
  ...[
    "two.safetensors",
    "none.safetensors",
    "~/x.safetensors",
    "．．/outside.safetensors",
  ],
];

let made: Promise<void> | undefined;

/** `Checkpoint.open()` of a folder with an index. */
export const INDEX_FILE: Target<string> = {
  name: "index",
  cases: 200,
  inputs: mutatedJson([INDEX], { values: ROUTES }),
  async feed(index, { path }) {
    await (made ??= write(path));
    const folder = `${path}/model`;
    await Deno.writeTextFile(`${folder}/model.safetensors.index.json`, index);
    return await verdictOf(async () => {
      using checkpoint = await Checkpoint.open(folder);
      for (const name of checkpoint.names()) {
        const bytes = await checkpoint.read(name);
        assert(
          bytes.every((byte) => byte === OWN),
          `${name} is from elsewhere`,
        );
      }
    });
  },
};

async function write(path: string): Promise<void> {
  await Deno.mkdir(`${path}/model/deep`, { recursive: true });
  for (const [name, bytes] of Object.entries(FILES)) {
    await Deno.writeFile(`${path}/${name}`, bytes);
  }
}
