/** Made-up machines, each with something of its own. */

import { assert, assertEquals } from "@std/assert";
import { NO_GPU_FACTS } from "../gpu_facts.ts";
import type { Finding } from "./check.ts";
import {
  judgeAdapter,
  judgeFeatures,
  judgeLimits,
  judgeTuning,
  judgeVram,
} from "./judge_gpu.ts";
import { judgeCores, judgeFolders, judgeMemory } from "./judge_host.ts";
import {
  judgeProgramFiles,
  judgeVariables,
  judgeVersions,
  variablesThatLimit,
  variablesThatMatter,
} from "./judge_programs.ts";
import {
  judgeAnswer,
  judgeDisk,
  judgeLink,
  judgeReadback,
} from "./judge_speed.ts";

const GIB = 2 ** 30;

const ADAPTER = {
  name: "NVIDIA H200",
  failure: null,
  vendor: "4318",
  isSoftware: false,
  driver: "580.95.05",
  backend: "vulkan",
  limitedBy: [],
  os: "linux",
};

const LIMITS = {
  maxBufferSize: 4 * GIB,
  maxStorageBufferBindingSize: 2 * GIB,
  maxStorageBuffersPerShaderStage: 32,
  maxComputeWorkgroupStorageSize: 49152,
  maxComputeInvocationsPerWorkgroup: 1024,
};

function verdicts(findings: readonly Finding[]): string {
  return findings.map(({ verdict }) => verdict).join(" ");
}

/** Whatever is a problem says how to mend it. */
function assertProblem(finding: Finding, remedy: RegExp): void {
  assertEquals(finding.verdict, "problem", finding.text);
  assert(remedy.test(finding.remedy ?? ""), finding.remedy);
}

Deno.test("judgeVersions takes the Deno that is tested, and no older one", () => {
  const rest = { moeno: "0.1.0", v8: "15", system: "linux" };
  const judge = (deno: string) => judgeVersions({ ...rest, deno });
  assertEquals(judge("2.9.6").verdict, "ok");
  for (const deno of ["2.9.5", "2.10.0", "3.0.0-rc.1"]) {
    assertEquals(judge(deno).verdict, "note", deno);
  }
  for (const deno of ["2.8.3", "1.46.3"]) {
    assertProblem(judge(deno), /^deno upgrade 2\.9\.6$/);
  }
});

Deno.test("judgeProgramFiles says what to remove where files are damaged", () => {
  const files = { folder: "/caches/1.0.0-abc/", fileCount: 9, damaged: [] };
  assertEquals(judgeProgramFiles(files).verdict, "ok");
  assertProblem(
    judgeProgramFiles({ ...files, damaged: ["deno"] }),
    /^remove \/caches\/1\.0\.0-abc\/; the next start unpacks it again$/,
  );
});

Deno.test("judgeVariables shows what matters, no secrets, and wrong backends", () => {
  const variables = variablesThatMatter({
    PATH: "/bin",
    MOENO_HOME: "/data",
    HF_TOKEN: "hf_abc",
    MOENO_API_KEY: "k",
    HF_ENDPOINT: "https://me:sesame@hub.example/a",
  });
  const { verdict, text } = judgeVariables(variables);
  assertEquals(verdict, "ok");
  assertEquals(
    text,
    "HF_ENDPOINT=https://…@hub.example/a HF_TOKEN=(hidden) MOENO_API_KEY=(hidden) MOENO_HOME=/data",
  );
  assertProblem(judgeVariables({ DENO_WEBGPU_BACKEND: "gl" }), /unset it/);
  assertEquals(
    judgeVariables({ DENO_WEBGPU_BACKEND: "vulkan,gl" }).verdict,
    "ok",
  );
});

Deno.test("judgeAdapter says which driver to install where there is no adapter", () => {
  const none = { ...ADAPTER, name: null, failure: "Cannot open a GPU: none" };
  assertProblem(judgeAdapter(none), /^install .*mesa-vulkan-drivers/);
  assertProblem(judgeAdapter({ ...none, os: "windows" }), /driver of your GPU/);
  assertProblem(judgeAdapter({ ...none, os: "darwin" }), /Metal/);
});

Deno.test("judgeAdapter names variables that may hide an adapter, and only these", () => {
  const none = { ...ADAPTER, name: null, failure: "Cannot open a GPU: none" };
  const limitedBy = variablesThatLimit({
    VK_DRIVER_FILES: "",
    VK_LOADER_DEBUG: "all",
    DENO_WEBGPU_BACKEND: "metal",
  });
  assertProblem(
    judgeAdapter({ ...none, limitedBy }),
    /^unset DENO_WEBGPU_BACKEND and VK_DRIVER_FILES, .*; else install the/,
  );
  assert(!judgeAdapter(none).remedy!.includes("unset"));
});

Deno.test("judgeAdapter takes a software adapter, with a note", () => {
  const { verdict, text } = judgeAdapter(ADAPTER);
  assertEquals(verdict, "ok");
  assert(text.startsWith("NVIDIA H200, vendor NVIDIA, driver 580.95.05"), text);
  const software = judgeAdapter({ ...ADAPTER, isSoftware: true });
  assertEquals(software.verdict, "note");
  assert(/driver/.test(software.remedy!));
});

Deno.test("judgeFeatures says what follows from each that is missing", () => {
  const all = { subgroupSize: 32, canPin: true, hasTimestamps: true };
  assertEquals(verdicts(judgeFeatures(all)), "ok");
  const none = judgeFeatures({
    subgroupSize: 0,
    canPin: false,
    hasTimestamps: false,
  });
  assertEquals(verdicts(none), "ok note note note");
  assert(none.some(({ text }) => text.includes("--profile")));
});

Deno.test("judgeLimits says what does not fit in small limits", () => {
  assertEquals(verdicts(judgeLimits(LIMITS)), "ok");
  // WebGPU's defaults.
  const small = judgeLimits({
    ...LIMITS,
    maxStorageBufferBindingSize: 128 * 2 ** 20,
    maxStorageBuffersPerShaderStage: 8,
  });
  assertEquals(verdicts(small), "ok note note");
  assert(small[1]!.text.includes("embedding"), small[1]!.text);
  assert(small[2]!.text.includes("the host decides"), small[2]!.text);
  const middle = judgeLimits({ ...LIMITS, maxBufferSize: 0.5 * GIB });
  assert(middle[1]!.text.includes("--slots 7"), middle[1]!.text);
});

Deno.test("judgeVram and judgeTuning say what is known", () => {
  const unknown = { ...NO_GPU_FACTS, isSoftware: false };
  assertEquals(judgeVram(unknown).verdict, "note");
  assertEquals(judgeVram({ ...unknown, isSoftware: true }).verdict, "ok");
  const known = { ...unknown, vramByteLength: 24 * GIB, source: "nvidia-smi" };
  assert(judgeVram(known).text.startsWith("24.0 GiB, by nvidia-smi"));
  const report = { source: "defaults", tuning: {}, path: "/t.json" } as const;
  assertEquals(judgeTuning({ ...report, notice: null }).verdict, "ok");
  const stale = judgeTuning({ ...report, notice: "Cannot use /t.json" });
  assertEquals([stale.verdict, stale.remedy], ["note", "moeno tune"]);
});

Deno.test("judgeMemory and judgeCores note what is little", () => {
  const memory = { totalByteLength: 64 * GIB, availableByteLength: 60 * GIB };
  assertEquals(judgeMemory({ ...memory, canPin: true }).verdict, "ok");
  const little = { totalByteLength: 8 * GIB, availableByteLength: 6 * GIB };
  const { verdict, text, remedy } = judgeMemory({ ...little, canPin: false });
  assertEquals(verdict, "note");
  assert(text.includes("none of it can be pinned"), text);
  assert(remedy!.includes("--ram"), remedy);
  assertEquals([judgeCores(1).verdict, judgeCores(8).verdict], ["note", "ok"]);
});

Deno.test("judgeFolders notes folders that cannot be used, and how to name another", () => {
  const folder = {
    purpose: "home",
    path: "/home/me/.cache/moeno",
    exists: true,
    failure: null,
    freeByteLength: 100e9,
  };
  const findings = judgeFolders([
    folder,
    { ...folder, path: null },
    { ...folder, failure: "Permission denied" },
    { ...folder, freeByteLength: 1e9 },
  ]);
  assertEquals(verdicts(findings), "ok note note note");
  for (const { remedy } of findings.slice(1)) {
    assert(remedy!.includes("MOENO_HOME"), remedy);
  }
});

Deno.test("judgeReadback, judgeLink and judgeDisk note what is slow or missing", () => {
  const latency = { isSynchronous: true, directMs: 0.07, awaitedMs: 11.4 };
  assertEquals(
    judgeReadback(latency).text,
    "0.070 ms at once, 11.40 ms awaited",
  );
  assertEquals(
    judgeReadback({ ...latency, isSynchronous: false }).verdict,
    "note",
  );
  const slow = { pinned: 3, arrayBuffer: 1 };
  assertEquals(judgeLink(slow, false).verdict, "note");
  assertEquals(judgeLink(slow, true).verdict, "ok");
  assertEquals(judgeLink({ pinned: 50, arrayBuffer: 9 }, false).verdict, "ok");
  assertEquals(judgeDisk(null).verdict, "note");
  const rate = { gigabytesPerSecond: 2, byteLength: 5e8 };
  assert(judgeDisk({ from: "m", rate }).text.includes("cannot be told"));
});

Deno.test("judgeAnswer finds a GPU that computes wrongly", () => {
  const right = { text: "a", wanted: "a", loadSeconds: 1, tokensPerSecond: 9 };
  assertEquals(judgeAnswer(right).verdict, "ok");
  assertProblem(judgeAnswer({ ...right, text: "?" }), /driver/);
  assertEquals(judgeAnswer(null).verdict, "note");
});
