import { cellOf } from "../../space/axis.ts";
import { priorQuantile } from "../../space/prior.ts";
import type { ChoiceParameter } from "../../space/space.ts";
import { type Column, PRIOR_WEIGHT } from "./column.ts";

/**
 * A categorical parameter's kernels: an observation gives weight 1 to its own choice, plus a share of the prior that
 * shrinks with the number of kernels (as in Optuna).
 */
export const choiceColumn = (
  parameter: ChoiceParameter,
  centers: Float64Array,
  observations = centers.length,
): Column => {
  const n = centers.length;
  const { size, weights } = parameter;
  // 0 for an observation without the parameter, else 1 + the index of its choice.
  const codes = new Int32Array(n);
  for (let k = 0; k < n; k++) codes[k] = Number.isNaN(centers[k]!) ? 0 : cellOf(centers[k]!, size) + 1;
  const share = (PRIOR_WEIGHT * size) / (observations + 1);
  const logHit = weights.map((p) => Math.log((1 + share * p) / (1 + share)));
  const logMiss = weights.map((p) => Math.log((share * p) / (1 + share)));
  const logPrior = weights.map(Math.log);
  const logByCode = new Float64Array(size + 1);
  return {
    addLogDensity: (u, sums) => {
      const choice = cellOf(u, size);
      logByCode.fill(logMiss[choice]!);
      logByCode[0] = logPrior[choice]!;
      logByCode[choice + 1] = logHit[choice]!;
      for (let k = 0; k < n; k++) sums[k]! += logByCode[codes[k]!]!;
      sums[n]! += logPrior[choice]!;
    },
    draw: (kernel, random) => {
      const isOwn = kernel < n && codes[kernel] !== 0 && random.uniform() * (1 + share) < 1;
      return isOwn ? centers[kernel]! : priorQuantile(parameter, random.uniform());
    },
  };
};
