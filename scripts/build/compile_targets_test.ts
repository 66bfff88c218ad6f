import { assertEquals, assertThrows } from "@std/assert";
import {
  COMPILE_TARGETS,
  compiledName,
  compileTarget,
  EXECUTABLE_HEAD_BYTE_LENGTH,
  executableTarget,
} from "./compile_targets.ts";

Deno.test("compileTarget() knows five targets and names them", () => {
  assertEquals(COMPILE_TARGETS.length, 5);
  for (const target of COMPILE_TARGETS) {
    assertEquals(compileTarget(target), target);
  }
  assertThrows(
    () => compileTarget("riscv64gc-unknown-linux-gnu"),
    Error,
    "Cannot compile for riscv64gc-unknown-linux-gnu: wanted one of " +
      "x86_64-unknown-linux-gnu, ",
  );
});

Deno.test("compiledName() has an extension for Windows only", () => {
  assertEquals(
    compiledName("1.2.3", "x86_64-pc-windows-msvc"),
    "moeno-1.2.3-x86_64-pc-windows-msvc.exe",
  );
  assertEquals(
    compiledName("1.2.3", "aarch64-apple-darwin"),
    "moeno-1.2.3-aarch64-apple-darwin",
  );
});

Deno.test("executableTarget() tells the target of this Deno", async () => {
  using file = await Deno.open(Deno.execPath());
  const head = new Uint8Array(EXECUTABLE_HEAD_BYTE_LENGTH);
  await file.read(head);
  assertEquals(executableTarget(head), Deno.build.target);
});

Deno.test("executableTarget() tells ELF, PE and Mach-O apart", () => {
  const elf = bytesAt({ 0: [0x7f, 0x45, 0x4c, 0x46, 2], 18: [183, 0] });
  assertEquals(executableTarget(elf), "aarch64-unknown-linux-gnu");
  const pe = bytesAt({
    0: [0x4d, 0x5a],
    0x3c: [0x80],
    0x80: [0x50, 0x45, 0, 0, 0x64, 0x86],
  });
  assertEquals(executableTarget(pe), "x86_64-pc-windows-msvc");
  const machO = bytesAt({ 0: [0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1] });
  assertEquals(executableTarget(machO), "aarch64-apple-darwin");
});

Deno.test("executableTarget() is null for everything else", () => {
  const text = new TextEncoder().encode("#!/bin/sh\n".repeat(10));
  assertEquals(executableTarget(text), null);
  assertEquals(executableTarget(new Uint8Array(3)), null);
  const elf32 = bytesAt({ 0: [0x7f, 0x45, 0x4c, 0x46, 1], 18: [62, 0] });
  assertEquals(executableTarget(elf32), null);
  const riscv = bytesAt({ 0: [0x7f, 0x45, 0x4c, 0x46, 2], 18: [243, 0] });
  assertEquals(executableTarget(riscv), null);
  const dos = bytesAt({ 0: [0x4d, 0x5a], 0x3c: [0xff, 0xff, 0xff, 0x7f] });
  assertEquals(executableTarget(dos), null);
});

/** 256 bytes that are zero except at some places. */
function bytesAt(places: Record<number, number[]>): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const [at, values] of Object.entries(places)) bytes.set(values, +at);
  return bytes;
}
