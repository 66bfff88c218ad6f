/** All that is looked at, in order. */

import project from "../../../deno.json" with { type: "json" };
import { modelsFolder } from "../../hub/models_folder.ts";
import { homeFolder } from "../../io/home.ts";
import { measureVramRate } from "../device_rates.ts";
import { measureDiskRate } from "../disk_rate.ts";
import { weightFiles } from "../forecast/weight_files.ts";
import { gpuFacts } from "../gpu_facts.ts";
import { measureReadback } from "../readback_latency.ts";
import { askModel } from "./ask_model.ts";
import { type Check, checkOf, ok, type Patient } from "./check.ts";
import { checkProgramFiles } from "./check_program_files.ts";
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
import { lookAtFolders } from "./look_at_folders.ts";
import { measureLink } from "./measure_link.ts";

/** What needs no GPU, and goes first. */
export const HOST_CHECKS: readonly Check[] = [
  checkOf("versions", versionsOf, judgeVersions),
  checkOf("program", () => checkProgramFiles(), judgeProgramFiles),
  checkOf(
    "variables",
    ({ variables }) => variablesThatMatter(variables),
    judgeVariables,
  ),
  checkOf("memory", memoryOf, judgeMemory),
  checkOf("cores", () => navigator.hardwareConcurrency, judgeCores),
  checkOf(
    "folders",
    (patient) => lookAtFolders(patient.environment),
    judgeFolders,
  ),
  checkOf("disk", readSomeFiles, judgeDisk),
];

/** The adapter: whether there is one. */
export const ADAPTER_CHECK: Check = checkOf("adapter", adapterOf, judgeAdapter);

/** What needs a GPU. */
export const GPU_CHECKS: readonly Check[] = [
  checkOf("features", ({ opened }) => {
    const { device, subgroupSize, canPin } = opened!.gpu;
    const hasTimestamps = device.features.has("timestamp-query");
    return { subgroupSize, canPin, hasTimestamps };
  }, judgeFeatures),
  checkOf("limits", ({ opened }) => {
    const { limits } = opened!.gpu.device;
    return {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup:
        limits.maxComputeInvocationsPerWorkgroup,
    };
  }, judgeLimits),
  checkOf("VRAM", async ({ opened }) => ({
    ...await gpuFacts(opened!.gpu.name),
    isSoftware: opened!.gpu.isSoftware,
  }), judgeVram),
  checkOf(
    "VRAM speed",
    ({ opened }) => measureVramRate(opened!.gpu),
    (rate) => ok(`${rate.toFixed(1)} GB/s read by a kernel`),
  ),
  checkOf(
    "link",
    async ({ opened }) => ({
      ...await measureLink(opened!.gpu),
      isSoftware: opened!.gpu.isSoftware,
    }),
    (link) => judgeLink(link, link.isSoftware),
  ),
  checkOf(
    "read-back",
    ({ opened }) => measureReadback(opened!.gpu),
    judgeReadback,
  ),
  checkOf("tuning", ({ opened }) => opened!.report, judgeTuning),
  checkOf("self-test", ({ model }) => askModel(model), judgeAnswer),
];

function versionsOf() {
  return {
    moeno: project.version,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
  };
}

function memoryOf({ opened }: Patient) {
  const { total, available } = Deno.systemMemoryInfo();
  return {
    totalByteLength: total,
    availableByteLength: available,
    canPin: opened && opened.gpu.canPin,
  };
}

async function adapterOf(
  { opened, failure, environment, variables }: Patient,
) {
  const name = opened?.gpu.name ?? null;
  return {
    name,
    failure,
    vendor: opened?.gpu.device.adapterInfo.vendor ?? "",
    isSoftware: opened?.gpu.isSoftware ?? false,
    driver: name === null ? null : (await gpuFacts(name)).driver,
    backend: environment.variable("DENO_WEBGPU_BACKEND") ?? null,
    limitedBy: variablesThatLimit(variables),
    os: environment.os,
  };
}

/** Reads the weights of a model that was fetched, else those of the bundled one. */
async function readSomeFiles({ environment, model }: Patient) {
  const home = homeFolder(environment);
  const from = (home && await firstModel(modelsFolder(home))) ?? model;
  if (from === null) return null;
  return { from, rate: await measureDiskRate(await weightFiles(from)) };
}

/** A model below the folder of models; `null` if there is none. */
async function firstModel(folder: string): Promise<string | null> {
  for (const owner of await namesIn(folder)) {
    for (const name of await namesIn(`${folder}/${owner}`)) {
      const directory = `${folder}/${owner}/${name}`;
      if ((await weightFiles(directory)).length > 0) return directory;
    }
  }
  return null;
}

/** The folders in a folder, sorted; none if it is not there. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name).sort();
  } catch {
    return [];
  }
}
