import type { Random } from "../../numerics/random.ts";

/** Share of the sum in a scalarisation, which keeps it strictly monotone. */
const RHO = 0.05;

/**
 * One target per trial: the objective itself, or several combined by random weights, so that over many asks the whole
 * front is searched. Source: Knowles 2006, "ParEGO", equation 2 (augmented Chebyshev).
 * @param objectives targets of about unit size, lower is better.
 */
export const scalarised = (objectives: readonly Float64Array[], random: Random): Float64Array => {
  const [only, ...others] = objectives;
  if (only === undefined) return new Float64Array(0);
  if (others.length === 0) return only;
  const weights = objectives.map(() => -Math.log(1 - random.uniform()));
  const total = weights.reduce((a, b) => a + b, 0);
  const lowest = objectives.map((y) => y.reduce((a, b) => Math.min(a, b), Infinity));
  return only.map((_, i) => {
    let largest = -Infinity;
    let sum = 0;
    for (let j = 0; j < objectives.length; j++) {
      const part = (weights[j]! / total) * (objectives[j]![i]! - lowest[j]!);
      largest = Math.max(largest, part);
      sum += part;
    }
    return largest + RHO * sum;
  });
};
