import { createRandom } from "../numerics/random.ts";
import type { Runs } from "../schemas/evaluation.ts";

/** How the runs of a configuration are numbered: run k is on instance k of n in turn, each time round with another seed. */

/** The runs that a configuration may get. */
export const runsOf = (evaluation: Runs): number =>
  evaluation.type === "replicates" ? evaluation.count : instancesOf(evaluation) * (evaluation.seeds ?? 1);

/** How many different instances there are. */
export const instancesOf = (evaluation: Runs): number =>
  evaluation.type === "replicates" ? evaluation.count : (evaluation.names?.length ?? evaluation.count ?? 1);

/** The instance of a run, from 0, and its name if it has one. */
export const instanceOf = (
  evaluation: Runs,
  run: number,
): { readonly instance: number; readonly instanceName?: string } => {
  const instance = run % instancesOf(evaluation);
  const name = evaluation.type === "instances" ? evaluation.names?.[instance] : undefined;
  return { instance, ...(name !== undefined && { instanceName: name }) };
};

/** Names the stream of the seeds of runs. */
const RUN_SEEDS = 0x72756e73;

/**
 * The seed of a run, the same for all configurations: a function of the study's seed and the run alone.
 * @returns an integer in [0, 2^31), which any language and library takes as a seed.
 */
export const seedOf = (studySeed: number, run: number): number =>
  createRandom(studySeed, RUN_SEEDS, run).integer(2 ** 31);
