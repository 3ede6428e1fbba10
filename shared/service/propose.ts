import { proposeTrials } from "../optimizer/propose.ts";
import { fromCube } from "../space/cube.ts";
import type { TrialItem } from "../store/trial.ts";
import type { ServiceDeps } from "./deps.ts";
import { historyOf, problemOf } from "./history.ts";
import type { Snapshot } from "./snapshot.ts";

/** How many numbers the trial budget still allows. */
export const numbersLeft = ({ head }: Snapshot) =>
  head.exhausted ? 0 : Math.max(0, head.trials - (head.next - head.imported));

/**
 * New trials from the study's algorithm, numbered from the head's counter on, queued and without a lease.
 * @param count at most this many; fewer when the budget or the space has no more.
 */
export const newTrials = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  count: number,
): Promise<TrialItem[]> => {
  const { study, head } = snapshot;
  const wanted = Math.min(count, numbersLeft(snapshot));
  if (wanted <= 0) return [];
  const history = await historyOf(deps, snapshot);
  const { name } = study.spec.algorithm;
  const proposals = proposeTrials(problemOf(snapshot), name, history, wanted, study.spec.seed, head.next);
  const now = deps.clock();
  return proposals.map(({ x, algorithm, why }, i) => ({
    study: study.id,
    number: head.next + i,
    state: "queued",
    attempt: 0,
    lost: 0,
    seconds: 0,
    params: fromCube(study.space, x),
    values: null,
    resource: null,
    worker: null,
    algorithm,
    why,
    reason: null,
    created: now,
    leaseExpires: null,
    finished: null,
    checkpoint: null,
    attempts: [],
    job: null,
  }));
};
