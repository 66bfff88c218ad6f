import { assertEquals, assertStringIncludes } from "@std/assert";
import type { KernelReport, PhaseReport } from "../engine/profile_report.ts";
import { profileTable } from "./profile_table.ts";

const KERNEL: KernelReport = {
  role: "q, k, v",
  kernel: "qkv_strip",
  callsPerStep: 32,
  usPerCall: 7.25,
  share: 0.9,
  vramGigabytesPerSecond: 1804.21,
  linkGigabytesPerSecond: 40.06,
  rateShare: 0.5922,
  gigaflopsPerSecond: 7001,
};
const NOTHING: KernelReport = {
  ...KERNEL,
  role: "combine",
  kernel: "combine",
  callsPerStep: 0.5,
  share: 0.1,
  vramGigabytesPerSecond: null,
  linkGigabytesPerSecond: null,
  rateShare: null,
  gigaflopsPerSecond: null,
};
const DECODE: PhaseReport = {
  name: "decode",
  tokenCount: 23,
  stepCount: 23,
  wallMsPerStep: 0.5,
  gpuMsPerStep: 0.25,
  kernels: [KERNEL, NOTHING],
};
const RATES = { vramGigabytesPerSecond: 3050, linkGigabytesPerSecond: null };

Deno.test("profileTable() has a row for each kernel, with units above", () => {
  const text = profileTable({ ...RATES, phases: [DECODE] });
  const lines = text.split("\n");
  assertEquals(lines.slice(0, 5), [
    "decode: 23 tokens; 0.250 ms of 0.500 ms a token in kernels (50 %)",
    "role     kernel     calls/token  us/call  ms/token  time %  VRAM GB/s  link GB/s  rate %  GFLOP/s",
    "q, k, v  qkv_strip           32      7.3     0.232    90.0     1804.2       40.1    59.2     7001",
    "combine  combine            0.5      7.3     0.004    10.0",
    "",
  ]);
  assertStringIncludes(text, "one after the other");
  assertStringIncludes(text, "Measured: VRAM 3050.0 GB/s.\n");
});

Deno.test("profileTable() keeps prompts and single tokens apart", () => {
  const prefill = { ...DECODE, name: "prefill", stepCount: 1 } as const;
  const text = profileTable({
    ...RATES,
    linkGigabytesPerSecond: 50.44,
    phases: [prefill, DECODE],
  });
  assertStringIncludes(text, "prefill: 23 tokens, 1 step; 0.250 ms of");
  assertStringIncludes(text, "calls/step");
  assertStringIncludes(text, "VRAM 3050.0 GB/s, link 50.4 GB/s.");
  assertEquals(profileTable({ ...RATES, phases: [] }), "");
});
