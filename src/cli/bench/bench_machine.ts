import type { BenchMachine } from "../../engine/bench.ts";
import { describeTuning } from "../../gpu/tuning.ts";

/** What was measured, and on what. */
export interface Machine extends BenchMachine {
  /** The model. */
  readonly model: string;
  /** The version of the GPU's driver; `null` if nobody says. */
  readonly driver: string | null;
  /** The version of Deno. */
  readonly deno: string;
}

/**
 * Says what is measured on what.
 *
 * @param model The model.
 * @param machine The GPU.
 * @returns Both, with the versions of the programs below.
 */
export function machineOf(
  { name }: { readonly name: string },
  machine: BenchMachine,
): Machine {
  return {
    model: name,
    ...machine,
    driver: driverOf(machine.adapter),
    deno: Deno.version.deno,
  };
}

/**
 * A machine in a line.
 *
 * @param machine The machine.
 * @returns Such as `stories-17m-q on NVIDIA H200, driver 580.95.05, Deno 2.9.6`.
 */
export function titleOf(
  { model, adapter, driver, deno, tuning, activations }: Machine,
): string {
  return [
    `${model} on ${adapter}`,
    ...driver === null ? [] : [`driver ${driver}`],
    `Deno ${deno}`,
    ...tuning.source === "defaults"
      ? []
      : [`tuned: ${describeTuning(tuning.tuning)}`],
    ...activations === "float32" ? [] : [`${activations} activations`],
  ].join(", ");
}

/** WebGPU does not tell; NVIDIA's driver comes with a program that does. */
function driverOf(adapter: string): string | null {
  if (!adapter.includes("NVIDIA")) return null;
  try {
    const { stdout } = new Deno.Command("nvidia-smi", {
      args: ["--query-gpu=driver_version", "--format=csv,noheader"],
    }).outputSync();
    const [version] = new TextDecoder().decode(stdout).split("\n");
    return version?.trim() || null;
  } catch {
    return null; // it may not be there, or we may not run programs
  }
}
