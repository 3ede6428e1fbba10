import type { Hint } from "../../optimizer/algorithm.ts";
import { askAlgorithm } from "../../optimizer/propose.ts";
import { fromCube } from "../../space/cube.ts";
import { MOST_HINTED, putHint } from "../../store/hint.ts";
import type { TrialItem } from "../../store/trial.ts";
import type { ServiceDeps } from "./deps.ts";
import { historyOf, problemOf } from "./history.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * How long an algorithm may compute before it answers with what it has. An ask of one trial takes tens of milliseconds; 90
 * trials of 50 parameters, 8 objectives and 16 limits took up to 6 seconds, for what is begun is finished. An ask that
 * loses a race plans anew for up to 8 seconds, and nobody else speaks meanwhile: after 25 the Lambda is gone.
 */
const PATIENCE_MS = 4000;

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
  const deadline = deps.clock() + PATIENCE_MS;
  const { proposals, hint } = askAlgorithm({
    problem: problemOf(snapshot),
    choice: study.spec.algorithm,
    history,
    count: wanted,
    seed: study.spec.seed,
    firstNumber: head.next,
    hint: snapshot.hint,
    isLate: () => deps.clock() > deadline,
  });
  await keepHint(deps, study.id, hint);
  const now = deps.clock();
  return proposals.map(({ x, algorithm, why, cutShort }, i) => ({
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
    why: cutShort ? `${why}, cut short for time` : why,
    reason: null,
    created: now,
    leaseExpires: null,
    finished: null,
    checkpoint: null,
    attempts: [],
    job: null,
  }));
};

/** Keeps a hint for the next ask, on a cold Lambda too. An ask never fails for it. */
const keepHint = async (deps: ServiceDeps, study: string, hint: Hint | null): Promise<void> => {
  if (hint === null || hint.values.length > MOST_HINTED) return;
  try {
    await deps.store.update(putHint(study, hint, deps.clock()));
  } catch (error) {
    deps.log("hint was not kept", { study, reason: error instanceof Error ? error.name : "unknown" });
  }
};
