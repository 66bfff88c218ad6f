/** Gets a GPU ready to profile the models on it. */

import type { Gpu } from "../gpu/device.ts";
import { Profiler } from "../gpu/profiler.ts";
import { offloadReport } from "../offload/describe_stats.ts";
import type { HostStore } from "../offload/host_store.ts";
import type { OffloadStats } from "../offload/offload_stats.ts";
import { measureLinkRate, measureVramRate } from "./device_rates.ts";
import { type ProfileReport, profileReport } from "./profile_report.ts";

/** What times a model's kernels, and what the device does at most. */
export class ModelProfile implements Disposable {
  /** Times kernels. */
  readonly profiler: Profiler;
  readonly #gpu: Gpu;
  readonly #vramGigabytesPerSecond: number;
  #linkGigabytesPerSecond: number | null = null;

  private constructor(gpu: Gpu, profiler: Profiler, vramRate: number) {
    this.#gpu = gpu;
    this.profiler = profiler;
    this.#vramGigabytesPerSecond = vramRate;
  }

  /**
   * Makes a profile, and measures the device's memory.
   *
   * @param gpu The GPU, with nothing on it yet.
   * @returns The profile, empty.
   * @throws {Error} If the GPU has no timestamps.
   */
  static async open(gpu: Gpu): Promise<ModelProfile> {
    using cleanup = new DisposableStack();
    const profiler = cleanup.use(await Profiler.create(gpu));
    const vramRate = await measureVramRate(gpu);
    cleanup.move();
    return new ModelProfile(gpu, profiler, vramRate);
  }

  /**
   * Measures how fast experts come to the GPU.
   *
   * @param store Where they are, all of them.
   * @param expertByteLength Bytes of one.
   */
  async measureLink(store: HostStore, expertByteLength: number): Promise<void> {
    this.#linkGigabytesPerSecond = await measureLinkRate(
      this.#gpu,
      store,
      expertByteLength,
    );
  }

  /**
   * Says where the time went so far.
   *
   * @param stats What offloading counted so far; `null` if it does nothing.
   * @returns The report.
   */
  report(stats: OffloadStats | null): ProfileReport {
    return profileReport(this.profiler.profile.phases(), {
      vramGigabytesPerSecond: this.#vramGigabytesPerSecond,
      linkGigabytesPerSecond: this.#linkGigabytesPerSecond,
    }, stats && offloadReport(stats.snapshot()).byteLengths);
  }

  /** Frees the profiler. */
  [Symbol.dispose](): void {
    this.profiler[Symbol.dispose]();
  }
}
