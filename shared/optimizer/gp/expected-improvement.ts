import { erfcx, normalCdf } from "../../numerics/normal.ts";

/**
 * Expected improvement in logarithms, which keeps its slope where the improvement is extremely small.
 * Source: Ament et al. 2023, "Unexpected improvements to expected improvement", equations 9 and 14.
 */

const LOG_SQRT_2PI = Math.log(2 * Math.PI) / 2;
const SQRT_HALF_PI = Math.sqrt(Math.PI / 2);

/** ln(phi(z) + z Phi(z)): the logarithm of the expected improvement in units of the standard deviation. */
export const logImprovement = (z: number): number => {
  const logDensity = -(z * z) / 2 - LOG_SQRT_2PI;
  if (z > -1) return Math.log(Math.exp(logDensity) + z * normalCdf(z));
  // Where the two terms nearly cancel, the first term of the expansion of their difference is more exact.
  if (z < -1e5) return logDensity - 2 * Math.log(-z);
  return logDensity + Math.log1p(z * SQRT_HALF_PI * erfcx(-z / Math.SQRT2));
};

/** ln Phi(z). */
export const logNormalCdf = (z: number): number =>
  z > -1 ? Math.log(normalCdf(z)) : -(z * z) / 2 - Math.LN2 + Math.log(erfcx(-z / Math.SQRT2));

/** ln phi(z). */
export const logNormalDensity = (z: number): number => -(z * z) / 2 - LOG_SQRT_2PI;

/** ln(exp(a) + exp(b) + ...). */
export const logSum = (values: ArrayLike<number>): number => {
  let top = -Infinity;
  for (let i = 0; i < values.length; i++) top = Math.max(top, values[i]!);
  if (top === -Infinity) return -Infinity;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - top);
  return top + Math.log(sum);
};
