/** The part of `@std/cli` that Moeno uses. */

/** Options for {@linkcode parseArgs}. */
export interface ParseOptions {
  /** Flags without a value. */
  boolean?: readonly string[];
  /** Flags whose value stays text. */
  string?: readonly string[];
  /** Flags that may be given more than once. */
  collect?: readonly string[];
  /** Flags that `--no-<flag>` sets to `false`. */
  negatable?: readonly string[];
  /** Other names of flags. */
  alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Values of flags that are not given. */
  default?: Readonly<Record<string, unknown>>;
  /** Whether everything after the first positional is positional. */
  stopEarly?: boolean;
  /** Called for a flag that is not declared; `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Flags by name, and the positional arguments under `_`. */
export interface Args {
  /** The positional arguments. */
  _: (string | number)[];
  /** A flag. */
  [flag: string]: unknown;
}

/** Splits command-line arguments into flags and positional arguments. */
export function parseArgs(
  args: readonly string[],
  options?: ParseOptions,
): Args;
