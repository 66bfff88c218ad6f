import { assertEquals } from "@std/assert";
import { randomWeights } from "./_testdata.ts";
import { optimizeZero, type OptimizeZeroOptions, roundCode } from "./solver.ts";

Deno.test("roundCode clamps, and rounds ties to even", () => {
  const cases = [
    [-0.7, 0],
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [2.500001, 3],
    [3.5, 3],
    [1e30, 3],
  ] as const;
  for (const [x, code] of cases) assertEquals(roundCode(x, 3), code, `${x}`);
  assertEquals(roundCode(254.5, 255), 254);
});

Deno.test("optimizeZero gives the zeros of the plain algorithm to the bit", () => {
  // Spreads: no outliers, some, nothing but outliers.
  for (const spread of [1, 10, 50]) {
    const groupCount = 64;
    const groups = randomWeights(groupCount * 16, spread).map((w) =>
      w * spread
    );
    const inverseScale = new Float32Array(groupCount).fill(25 / spread);
    const zero = new Float32Array(groupCount).fill(1.4);
    const options = { inverseScale, zero, maxCode: 3 };
    assertEquals(
      optimizeZero(groups, options),
      plainOptimizeZero(groups, options),
      `spread ${spread}`,
    );
  }
});

/**
 * The solver as the reference writes it: every weight in every iteration, and a
 * power for each.
 */
function plainOptimizeZero(
  groups: Float32Array,
  options: OptimizeZeroOptions,
): Float32Array {
  const f = Math.fround;
  const { inverseScale, maxCode } = options;
  const zero = options.zero.slice();
  const memberCount = groups.length / zero.length;
  let leastError = Infinity;
  let beta = 10;
  for (let iteration = 0; iteration < 20; iteration++) {
    const errorSums = Array.from(zero, (z, g) => {
      const s = inverseScale[g]!;
      let errors = 0;
      let zeros = 0;
      for (const w of groups.subarray(g * memberCount, (g + 1) * memberCount)) {
        const code = roundCode(f(f(w * s) + z), maxCode);
        const error = f(w - f(f(code - z) / s));
        const size = Math.abs(error);
        const power = f(Math.pow(size, 0.7 - 1)); // infinite at 0
        const kept = Math.max(f(size - f(f(1 / beta) * power)), 0);
        errors += size;
        zeros += f(code - f(f(w - Math.sign(error) * kept) * s));
      }
      zero[g] = f(zeros / memberCount);
      return errors;
    });
    const error = f(errorSums.reduce((a, b) => a + b, 0) / groups.length);
    if (error >= leastError) break;
    leastError = error;
    beta *= 1.01;
  }
  return zero;
}
