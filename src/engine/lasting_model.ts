/** A model that outlives the device that it is on. */

import { DeviceLostError } from "../gpu/device_loss.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Mixtral } from "../model/mixtral.ts";
import type { Plan } from "../offload/placement.ts";
import type { ModelProfile } from "./profile_model.ts";

/** What of an engine is on a device, and ends with it. */
export interface DeviceParts extends Disposable {
  readonly gpu: Pick<Gpu, "name" | "lost">;
  readonly model: Mixtral;
  readonly plan: Plan;
  readonly profile: ModelProfile | null;
}

/** How a model lasts. */
export interface LastingOptions {
  /** Loads the same once more, on a new device. */
  readonly reload: () => Promise<DeviceParts>;
  /** Hears of the new model before anybody uses it. */
  readonly onReload: (parts: DeviceParts) => void;
}

/**
 * A model that is loaded again after its device was lost. Work that ran then fails,
 * and what was on the device is freed; whoever comes next waits for the new model.
 */
export class LastingModel implements Disposable {
  readonly #options: LastingOptions;
  #parts: DeviceParts;
  /** Why what is loaded has been freed. */
  #loss: Error | null = null;
  #reloading: Promise<void> | null = null;
  #isDisposed = false;

  /**
   * Takes a model that is loaded.
   *
   * @param parts The model.
   * @param options How to load it again.
   */
  constructor(parts: DeviceParts, options: LastingOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** What was loaded last, whether it is of use or not. */
  get parts(): DeviceParts {
    return this.#parts;
  }

  /** Why the model is of no use now; `null` if it is. */
  get loss(): Error | null {
    return this.#loss ?? this.#parts.gpu.lost;
  }

  /**
   * Loads the model again if its device was lost, or waits until that is done.
   *
   * @throws {DeviceLostError} If it cannot be loaded; the next call tries again.
   */
  async revive(): Promise<void> {
    if (this.loss === null || this.#isDisposed) return;
    this.#reloading ??= this.#reload().finally(() => this.#reloading = null);
    await this.#reloading;
  }

  /**
   * Runs something on a model that is of use.
   *
   * @param use Uses it.
   * @returns What it returns.
   * @throws {DeviceLostError} If the device is lost meanwhile.
   */
  async run<T>(use: (parts: DeviceParts) => Promise<T>): Promise<T> {
    await this.revive();
    const parts = this.#parts;
    try {
      return await use(parts);
    } catch (error) {
      throw this.#failed(error, parts);
    }
  }

  /**
   * The same, for what comes piece by piece.
   *
   * @param use Uses it.
   * @param signal Ends the wait for a model that is loaded again.
   * @returns What it yields.
   * @throws {DeviceLostError} If the device is lost meanwhile.
   */
  async *stream<T>(
    use: (parts: DeviceParts) => AsyncIterable<T>,
    signal?: AbortSignal,
  ): AsyncGenerator<T, void> {
    if (this.loss !== null) await unlessAborted(this.revive(), signal);
    const parts = this.#parts;
    try {
      yield* use(parts);
    } catch (error) {
      throw this.#failed(error, parts);
    }
  }

  /** Frees the model. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#free(
      new Error("Cannot use the model: its engine has been disposed of"),
    );
  }

  #failed(error: unknown, parts: DeviceParts): unknown {
    if (!(error instanceof DeviceLostError)) return error;
    if (this.#isDisposed) return this.#loss;
    if (parts === this.#parts) this.#free(error);
    return new DeviceLostError(
      `${error.message}; the model is loaded again when it is next used`,
      { cause: error },
    );
  }

  #free(loss: Error): void {
    if (this.#loss === null) this.#parts[Symbol.dispose]();
    this.#loss = loss;
  }

  async #reload(): Promise<void> {
    this.#free(this.loss!); // before the new one needs the memory
    let parts: DeviceParts;
    try {
      parts = await this.#options.reload();
    } catch (error) {
      if (this.#isDisposed) throw this.#loss;
      const why = error instanceof Error ? error.message : String(error);
      throw this.#loss = new DeviceLostError(
        `Cannot load the model again after its GPU was lost: ${why}`,
        { cause: error },
      );
    }
    if (this.#isDisposed) {
      parts[Symbol.dispose]();
      throw this.#loss;
    }
    this.#parts = parts;
    this.#loss = null;
    this.#options.onReload(parts);
  }
}

/** Waits for something, or fails with the reason of a signal. */
async function unlessAborted(
  promise: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal!.reason);
  signal?.addEventListener("abort", abort);
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
