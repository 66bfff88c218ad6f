/** What an adapter, its features and its limits mean. */

import { formatByteLength } from "../../io/byte_length.ts";
import { ROUTER_STORAGE_BUFFER_COUNT } from "../../offload/plan_residency.ts";
import type { GpuFacts } from "../gpu_facts.ts";
import type { TuningReport } from "../open_gpu.ts";
import { type Finding, note, ok, problem } from "./check.ts";

/** An adapter, as far as it is known. */
export interface AdapterFacts {
  /** What people call it; `null` if there is none. */
  readonly name: string | null;
  /** Why there is none; `null` if there is one. */
  readonly failure: string | null;
  /** Its vendor's number or name. */
  readonly vendor: string;
  /** Whether it is a program on the CPU. */
  readonly isSoftware: boolean;
  /** The version of its driver; `null` if nobody says. */
  readonly driver: string | null;
  /** How WebGPU reaches it, as far as variables say; `null` for any way. */
  readonly backend: string | null;
  /** Names of variables that are set and may hide adapters. */
  readonly limitedBy: readonly string[];
  /** The system, as `Deno.build.os` calls it. */
  readonly os: string;
}

/** Who gives numbers to vendors of PCI devices calls them so. */
const VENDORS: Readonly<Record<string, string>> = {
  "4318": "NVIDIA",
  "4098": "AMD",
  "32902": "Intel",
  "4203": "Apple",
  "20803": "Qualcomm",
  "65541": "Mesa",
};

const NO_ADAPTER_REMEDY: Readonly<Record<string, string>> = {
  linux:
    "install the Vulkan driver of your GPU: NVIDIA's own, or for AMD and " +
    "Intel `apt-get install mesa-vulkan-drivers libvulkan1`, which also runs on " +
    "the CPU; in a container, it has to see the GPU",
  windows: "install the driver of your GPU from its vendor",
  darwin: "Metal needs macOS 11 or newer, and a terminal that may use the GPU",
};

/**
 * Judges the adapter.
 *
 * @param facts What is known of it.
 * @returns What that means.
 */
export function judgeAdapter(facts: AdapterFacts): Finding {
  const { name, vendor, driver, backend, limitedBy, os } = facts;
  if (name === null) {
    const install = NO_ADAPTER_REMEDY[os] ?? "install the driver of your GPU";
    return problem(
      facts.failure ?? "no GPU was found",
      limitedBy.length === 0
        ? install
        : `unset ${
          new Intl.ListFormat("en-GB").format(limitedBy)
        }, which may hide the GPU; else ${install}`,
    );
  }
  const text = [
    name,
    `vendor ${VENDORS[vendor] ?? (vendor || "not known")}`,
    `driver ${driver ?? "not known"}`,
    `backend ${backend ?? "any"}`,
    facts.isSoftware ? "software" : "hardware",
  ].join(", ");
  return facts.isSoftware
    ? note(
      `${text}: kernels run on the CPU, which is slow`,
      "if there is a GPU, install its driver; for a small model the CPU will do",
    )
    : ok(text);
}

/** What a device was granted. */
export interface FeatureFacts {
  /** Invocations in a subgroup; 0 if there are none or it varies. */
  readonly subgroupSize: number;
  /** Whether host memory can be bound. */
  readonly canPin: boolean;
  /** Whether passes can be timed. */
  readonly hasTimestamps: boolean;
}

/**
 * Judges features.
 *
 * @param facts What was granted.
 * @returns What is there, and what follows from what is not.
 */
export function judgeFeatures(facts: FeatureFacts): Finding[] {
  const { subgroupSize, canPin, hasTimestamps } = facts;
  const granted = [
    ...subgroupSize > 0 ? [`subgroups of ${subgroupSize}`] : [],
    ...canPin ? ["pinned host memory"] : [],
    ...hasTimestamps ? ["timestamps"] : [],
  ];
  const findings: Finding[] = [
    ok(granted.length === 0 ? "none of those asked for" : granted.join(", ")),
  ];
  if (subgroupSize === 0) {
    findings.push(
      note(
        "no subgroups of a fixed size: sums take more steps, so it is slower",
      ),
    );
  }
  if (!canPin) {
    findings.push(
      note(
        "no pinned host memory: experts beyond VRAM come by way of the CPU, and " +
          "the host decides on them, which is slower",
        "a Vulkan or Metal driver that offers mappable primary buffers",
      ),
    );
  }
  if (!hasTimestamps) {
    findings.push(
      note("no timestamps: --profile and the finer half of bench do not work"),
    );
  }
  return findings;
}

/** The limits that matter. */
export interface LimitFacts {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
}

/** Mixtral-8x7B's embedding of 32,000 x 4,096 numbers of 2 bytes. */
const LARGE_BINDING_BYTE_LENGTH = 32_000 * 4_096 * 2;
/** All experts of a layer of Mixtral-8x7B with 4 bits a weight. */
const LAYER_BYTE_LENGTH = 8 * 3 * 4_096 * 14_336 * 0.55;

/**
 * Judges limits.
 *
 * @param limits The limits of the device.
 * @returns What they are, and what does not fit in them.
 */
export function judgeLimits(limits: LimitFacts): Finding[] {
  const { maxBufferSize, maxStorageBufferBindingSize } = limits;
  const { maxStorageBuffersPerShaderStage: buffers } = limits;
  const bindable = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const text = [
    `buffers of ${formatByteLength(maxBufferSize)}`,
    `${formatByteLength(maxStorageBufferBindingSize)} and ${buffers} of them ` +
    "bound at once",
    `workgroups of ${limits.maxComputeInvocationsPerWorkgroup} with ` +
    formatByteLength(limits.maxComputeWorkgroupStorageSize),
  ].join(", ");
  const findings: Finding[] = [ok(text)];
  if (bindable < LARGE_BINDING_BYTE_LENGTH) {
    findings.push(note(
      `${
        formatByteLength(bindable)
      } cannot bind the embedding of Mixtral-8x7B ` +
        `(${formatByteLength(LARGE_BINDING_BYTE_LENGTH)}): small models only`,
      "a newer driver or another GPU",
    ));
  } else if (bindable < LAYER_BYTE_LENGTH) {
    findings.push(note(
      `${formatByteLength(bindable)} cannot bind all experts of a layer of ` +
        "Mixtral-8x7B with 4 bits: use --slots 7 or fewer bits",
    ));
  }
  if (buffers < ROUTER_STORAGE_BUFFER_COUNT) {
    findings.push(note(
      `${buffers} buffers at once, wanted ${ROUTER_STORAGE_BUFFER_COUNT}: the ` +
        "host decides which experts come and go, which is slower",
    ));
  }
  return findings;
}

/**
 * Judges the memory of the GPU.
 *
 * @param facts What is known of it.
 * @returns What that means.
 */
export function judgeVram(
  facts: GpuFacts & { readonly isSoftware: boolean },
): Finding {
  const { vramByteLength, freeVramByteLength, source } = facts;
  if (facts.isSoftware) {
    return ok("the host's memory; without --vram 8 GiB are planned for");
  }
  if (vramByteLength === null) {
    return note(
      "how much there is is not known: WebGPU does not say",
      "8 GiB are planned for; --vram says how much it is",
    );
  }
  const free = freeVramByteLength === null
    ? ""
    : `, ${formatByteLength(freeVramByteLength)} free`;
  return ok(
    `${
      formatByteLength(vramByteLength)
    }${free}, by ${source}; without --vram ` +
      "8 GiB are planned for",
  );
}

/**
 * Judges the tuning.
 *
 * @param report What is in force.
 * @returns What that means.
 */
export function judgeTuning(
  { source, tuning, path, notice }: TuningReport,
): Finding {
  const values = Object.entries(tuning).map(([name, n]) => `${name} ${n}`);
  if (notice !== null) return note(notice, "moeno tune");
  if (source === "table") {
    return ok(`${values.join(", ") || "the defaults"}, from ${path}`);
  }
  return path === null
    ? ok("the defaults; tables are off (MOENO_TUNING=off, or no home)")
    : ok("the defaults; moeno tune looks for better ones");
}
