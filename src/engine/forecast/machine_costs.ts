/** What a machine takes for the layers of a model, measured when it is asked for. */

import type { Gpu } from "../../gpu/device.ts";
import type { Plan } from "../../offload/placement.ts";
import { measureVramRate } from "../device_rates.ts";
import { measureDiskRate } from "../disk_rate.ts";
import type { LoadOptions } from "../load_options.ts";
import type { MachineCosts } from "./estimate.ts";
import type { ProbedModel } from "./probe_model.ts";
import {
  measureOffloaded,
  measureResident,
  type OffloadedCosts,
  type OffloadWay,
  type ResidentCosts,
} from "./step_costs.ts";

/** What measurements need besides the GPU. */
export interface CostsOptions {
  /** How the model is to be loaded. */
  readonly options: LoadOptions;
  /** The files of its weights; none if they are made up. */
  readonly files: readonly string[];
  /** Hears what is about to be measured. */
  readonly onProgress?: ((what: string) => void) | undefined;
  /** Stops before the next measurement when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Measures a machine with the shapes of a model, nothing twice. */
export class CostMeter {
  readonly #gpu: Gpu;
  readonly #model: ProbedModel;
  readonly #options: CostsOptions;
  #vramRate: number | undefined;
  #resident: ResidentCosts | undefined;
  #diskRate: number | null | undefined;
  readonly #offloaded = new Map<string, OffloadedCosts | null>();

  /**
   * Constructs a meter that has measured nothing yet.
   *
   * @param gpu The GPU, with nothing on it.
   * @param model The model.
   * @param options How it is to be loaded, and who wants to hear of it.
   */
  constructor(gpu: Gpu, model: ProbedModel, options: CostsOptions) {
    this.#gpu = gpu;
    this.#model = model;
    this.#options = options;
  }

  /**
   * Measures what tells how fast a placement is, as far as it was not before.
   *
   * @param plan What goes where.
   * @returns The costs.
   * @throws {Error} If the small models that are timed do not fit, or it is
   * aborted.
   */
  async costsOf(plan: Plan): Promise<MachineCosts> {
    const { options, files } = this.#options;
    this.#vramRate ??= await this.#step(
      "VRAM",
      () => measureVramRate(this.#gpu),
    );
    this.#resident ??= await this.#step(
      "layers with all experts on the GPU",
      () => measureResident(this.#gpu, this.#model, options),
    );
    const way = wayOf(plan);
    const offloaded = way === null ? null : await this.#offloadedBy(way);
    const needsDisk = plan.stores.some(({ kind }) => kind === "disk");
    if (needsDisk && this.#diskRate === undefined) {
      this.#diskRate = await this.#step(
        "files",
        async () => (await measureDiskRate(files))?.gigabytesPerSecond ?? null,
      );
    }
    return {
      vramGigabytesPerSecond: this.#vramRate,
      linkGigabytesPerSecond: offloaded?.linkGigabytesPerSecond ?? null,
      resident: this.#resident,
      offloaded,
      diskGigabytesPerSecond: this.#diskRate ?? null,
    };
  }

  async #offloadedBy(way: OffloadWay): Promise<OffloadedCosts | null> {
    const key = `${way.store} ${way.residency}`;
    if (!this.#offloaded.has(key)) {
      const { options } = this.#options;
      const { fixedMs } = this.#resident!;
      this.#offloaded.set(
        key,
        await this.#step(
          `layers that miss experts (${way.store})`,
          () =>
            measureOffloaded(this.#gpu, this.#model, { options, way, fixedMs }),
        ),
      );
    }
    return this.#offloaded.get(key)!;
  }

  async #step<T>(what: string, measure: () => Promise<T>): Promise<T> {
    const { signal, onProgress } = this.#options;
    signal?.throwIfAborted();
    onProgress?.(what);
    const value = await measure();
    signal?.throwIfAborted();
    return value;
  }
}

/** Where most experts of a plan come from; `null` if all are on the GPU. */
function wayOf({ stores, residency }: Plan): OffloadWay | null {
  const [first] = stores.toSorted((a, b) =>
    b.ramExpertCount - a.ramExpertCount
  );
  return first === undefined ? null : { store: first.kind, residency };
}
