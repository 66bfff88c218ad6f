/** The part of `@std/assert` that Moeno uses. */

/** An assertion that failed. */
export class AssertionError extends Error {}

/** Fails unless the value is truthy. */
export function assert(expr: unknown, msg?: string): asserts expr;
/** Fails unless the two values are equal by structure. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void;
/** Fails if the two values are equal by structure. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void;
/** Fails unless the two values are the same, by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T;
/** Fails unless the value is neither `null` nor `undefined`. */
export function assertExists<T>(
  actual: T,
  msg?: string,
): asserts actual is NonNullable<T>;
/** Fails unless the numbers differ by at most the tolerance. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void;
/** Fails unless the text matches the pattern. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  msg?: string,
): void;
/** Fails unless the text contains the other. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
): void;
/** Fails unless actual > expected. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void;
/** Fails unless actual < expected. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void;
/** Fails unless the value is an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  // deno-lint-ignore no-explicit-any
  expectedType: abstract new (...args: any[]) => T,
  msg?: string,
): asserts actual is T;
/** Fails unless the function throws; returns what it threw. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  // deno-lint-ignore no-explicit-any
  ErrorClass?: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): E;
/** Fails unless the promise rejects; returns the reason. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  // deno-lint-ignore no-explicit-any
  ErrorClass?: abstract new (...args: any[]) => E,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
