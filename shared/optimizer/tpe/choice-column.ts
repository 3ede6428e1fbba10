import { cellOf } from "../../space/axis.ts";
import { priorQuantile } from "../../space/prior.ts";
import type { ChoiceParameter } from "../../space/space.ts";
import { type Column, PRIOR_WEIGHT } from "./column.ts";

/**
 * A categorical parameter's kernels: an observation gives its own choice weight 1, beside a share of the prior that
 * shrinks with the number of kernels (as Optuna has it).
 */
export const choiceColumn = (parameter: ChoiceParameter, centers: Float64Array): Column => {
  const n = centers.length;
  const { size, weights } = parameter;
  const choices = Int32Array.from(centers, (u) => (Number.isNaN(u) ? -1 : cellOf(u, size)));
  const share = (PRIOR_WEIGHT * size) / (n + 1);
  const logHit = weights.map((p) => Math.log((1 + share * p) / (1 + share)));
  const logMiss = weights.map((p) => Math.log((share * p) / (1 + share)));
  const logPrior = weights.map((p) => Math.log(p));
  return {
    addLogDensity: (u, sums) => {
      const choice = cellOf(u, size);
      const hit = logHit[choice]!;
      const miss = logMiss[choice]!;
      const prior = logPrior[choice]!;
      for (let k = 0; k < n; k++) {
        sums[k]! += choices[k] === choice ? hit : choices[k] === -1 ? prior : miss;
      }
      sums[n]! += prior;
    },
    draw: (kernel, random) => {
      const isOwn = kernel < n && choices[kernel] !== -1 && random.uniform() * (1 + share) < 1;
      return isOwn ? centers[kernel]! : priorQuantile(parameter, random.uniform());
    },
  };
};
