/** How kernels share their work on a device: numbers that `moeno tune` measures. */

/**
 * How kernels share their work. None of it changes what is computed; those marked
 * so change in which order float32 sums are added, and with it the last digits.
 */
export interface Tuning {
  /** Units that a workgroup of W1 and W3 works through, where read in strips. */
  readonly upUnits: number;
  /** The same for W2. */
  readonly downUnits: number;
  /** The same for the matrices of q, k and v in one dispatch. */
  readonly qkvUnits: number;
  /** The same for any other matrix. */
  readonly matrixUnits: number;
  /**
   * The most invocations of a workgroup of W2; more inputs are cut into parts. It
   * changes the order of sums.
   */
  readonly partInvocations: number;
  /**
   * The most invocations of a workgroup that sums over all of them. It changes the
   * order of sums.
   */
  readonly sumInvocations: number;
  /** The most invocations that look for the largest logit. */
  readonly argmaxInvocations: number;
}

/**
 * Raised whenever kernels change so that what was measured before says nothing of
 * them.
 */
export const KERNEL_VERSION = 2;

/** The values that each may have; the first is not always the smallest. */
export const TUNING_VALUES: Readonly<Record<keyof Tuning, readonly number[]>> =
  {
    upUnits: [1, 2, 4, 8, 16],
    downUnits: [1, 2, 4, 8, 16],
    qkvUnits: [1, 2, 3, 4, 8],
    matrixUnits: [1, 2, 4, 8],
    partInvocations: [64, 128, 256, 512, 1024],
    sumInvocations: [32, 64, 128, 256, 512],
    argmaxInvocations: [32, 64, 128, 256, 512, 1024],
  };

/** All names. */
export const TUNING_NAMES: readonly (keyof Tuning)[] = Object.keys(
  TUNING_VALUES,
) as (keyof Tuning)[];

/** What was fastest on an H100. */
const HARDWARE: Tuning = {
  upUnits: 8,
  downUnits: 8,
  qkvUnits: 3,
  matrixUnits: 1,
  partInvocations: 256,
  sumInvocations: 256,
  argmaxInvocations: 1024,
};

/**
 * What is in force where nothing was measured.
 *
 * @param hasWideWorkgroups Whether workgroups of several subgroups are worth it.
 * @returns The tuning.
 */
export function defaultTuning(hasWideWorkgroups: boolean): Tuning {
  // On the CPU invocations only take turns.
  return hasWideWorkgroups ? HARDWARE : { ...HARDWARE, argmaxInvocations: 32 };
}

/**
 * Checks values of a tuning, from a file or from whoever loads a model.
 *
 * @param value An object of names and numbers; names may be left out.
 * @param action What cannot be done if it is wrong, such as `load the model`.
 * @returns The values.
 * @throws {TypeError} If it is no object, or has a name that there is not.
 * @throws {RangeError} If a value is none that there can be.
 */
export function checkTuning(value: unknown, action: string): Partial<Tuning> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(
      `Cannot ${action}: tuning is ${
        JSON.stringify(value)
      }, wanted an object of numbers`,
    );
  }
  for (const [name, number] of Object.entries(value)) {
    if (!Object.hasOwn(TUNING_VALUES, name)) {
      throw new TypeError(
        `Cannot ${action}: tuning has ${JSON.stringify(name)}, wanted ${
          TUNING_NAMES.join(", ")
        }`,
      );
    }
    const values = TUNING_VALUES[name as keyof Tuning];
    if (values.includes(number)) continue;
    throw new RangeError(
      `Cannot ${action}: tuning.${name} is ${
        JSON.stringify(number)
      }, wanted one of ${values.join(", ")}`,
    );
  }
  return { ...value };
}

/**
 * Writes values of a tuning for people.
 *
 * @param tuning The values.
 * @returns Such as `upUnits 4, sumInvocations 128`; `the defaults` if there is none.
 */
export function describeTuning(tuning: Partial<Tuning>): string {
  const texts = Object.entries(tuning).map(([name, n]) => `${name} ${n}`);
  return texts.length === 0 ? "the defaults" : texts.join(", ");
}
