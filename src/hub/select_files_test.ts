import { assertEquals } from "@std/assert";
import { selectFiles, type SelectOptions } from "./select_files.ts";

const PATHS = [
  ...[".gitattributes", "LICENSE", "NOTICE.txt", "README.md"],
  ...["chat_template.jinja", "config.json", "consolidated.00.pt"],
  ...["consolidated.safetensors", "generation_config.json", "image.png"],
  ...["model-00001-of-00002.safetensors", "model.gguf"],
  ...["model.safetensors.index.json", "onnx/config.json", "onnx/model.onnx"],
  ...["original/model.safetensors", "params.json", "pytorch_model.bin"],
  ...["pytorch_model.bin.index.json", "tokenizer.json", "tokenizer.model"],
];

function chosen(options?: SelectOptions): string[] {
  const { chosen, skipped } = selectFiles(
    PATHS.map((path) => ({ path })),
    options,
  );
  assertEquals(chosen.length + skipped.length, PATHS.length);
  return chosen.map(({ path }) => path);
}

const USUAL = [
  ...["LICENSE", "NOTICE.txt", "chat_template.jinja", "config.json"],
  ...["generation_config.json", "model-00001-of-00002.safetensors"],
  ...["model.safetensors.index.json", "params.json", "tokenizer.json"],
  ...["tokenizer.model"],
];

Deno.test("selectFiles() takes what load() reads, and no weights twice", () => {
  assertEquals(chosen(), USUAL);
});

Deno.test("selectFiles() adds what is included, by name or by path", () => {
  const added = (include: string[]) =>
    chosen({ include }).filter((path) => !USUAL.includes(path));
  assertEquals(added(["*.md"]), ["README.md"]);
  assertEquals(added(["*.onnx"]), ["onnx/model.onnx"]);
  assertEquals(added(["onnx/*"]), ["onnx/config.json", "onnx/model.onnx"]);
  assertEquals(added(["./*.safetensors"]), ["consolidated.safetensors"]);
  assertEquals(added(["*.{png,gguf}"]), ["image.png", "model.gguf"]);
  assertEquals(chosen({ include: ["**"] }), PATHS);
});

Deno.test("selectFiles() leaves out what is excluded, included or not", () => {
  const options = { include: ["*.md"], exclude: ["*.safetensors", "README.*"] };
  assertEquals(
    chosen(options),
    USUAL.filter((path) => !path.endsWith(".safetensors")),
  );
});
