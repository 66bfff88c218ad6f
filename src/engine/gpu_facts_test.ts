import { assertEquals } from "@std/assert";
import { gpuFacts, NO_GPU_FACTS, parseNvidiaFacts } from "./gpu_facts.ts";

const MIB = 2 ** 20;

Deno.test("parseNvidiaFacts picks the GPU of the adapter's name", () => {
  const text = "NVIDIA A10, 550.1, 24564, 24000\n" +
    "NVIDIA H200, 580.95.05, 143771, 143000\n";
  assertEquals(parseNvidiaFacts(text, "NVIDIA H200"), {
    driver: "580.95.05",
    vramByteLength: 143771 * MIB,
    freeVramByteLength: 143000 * MIB,
    source: "nvidia-smi",
  });
  assertEquals(parseNvidiaFacts(text, "NVIDIA B1").driver, "550.1");
});

Deno.test("parseNvidiaFacts knows nothing from what is no table", () => {
  for (const text of ["", "\n", "NVIDIA-SMI has failed: no driver"]) {
    assertEquals(parseNvidiaFacts(text, "NVIDIA H200"), NO_GPU_FACTS);
  }
  const shared = parseNvidiaFacts(
    "NVIDIA GB10, 580, [N/A], [N/A]",
    "NVIDIA GB10",
  );
  assertEquals([shared.driver, shared.vramByteLength], ["580", null]);
});

Deno.test("gpuFacts says nothing of a software adapter", async () => {
  assertEquals(
    await gpuFacts("llvmpipe (LLVM 15.0.6, 256 bits)"),
    NO_GPU_FACTS,
  );
});
