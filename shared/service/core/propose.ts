import type { Draft, Hint } from "../../optimizer/algorithm.ts";
import { askAlgorithm } from "../../optimizer/propose.ts";
import { fromCube } from "../../space/cube.ts";
import { MOST_HINTED, putHint } from "../../store/hint.ts";
import type { TrialItem } from "../../store/trial.ts";
import { placed } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { trialsLeft, trialsUsed } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { updateOnce } from "./commit.ts";
import type { ServiceDeps } from "./deps.ts";
import { followUp } from "./follow-up.ts";
import { historyOf, problemOf } from "./history.ts";

/**
 * How long an algorithm may compute before it answers with what it has. An ask for one trial takes tens of milliseconds; for 90
 * trials of 50 parameters, 8 objectives and 16 limits it took up to 6 seconds, because a step that has begun is finished. An ask
 * that lost a race plans again for up to 8 seconds; after 25 seconds the Lambda times out.
 */
const COMPUTE_MS = 4000;

/** What the study's algorithm proposed. */
export interface NewTrials {
  /** Numbered from the head's counter on, queued and without a lease. */
  readonly trials: readonly TrialItem[];
  /** Nothing new is left in the search space, as far as the head knew or the algorithm found. */
  readonly exhausted: boolean;
}

/**
 * New trials from the study's algorithm.
 * @param count at most this many; fewer when the budget or the space has no more.
 * @param drafts what was chosen already and comes first.
 */
export const proposeTrials = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  count: number,
  drafts: readonly Draft[] = [],
): Promise<NewTrials> => {
  const { study, head } = snapshot;
  const wanted = Math.min(count, trialsLeft(head));
  if (wanted <= 0) return { trials: [], exhausted: head.exhausted };
  const history = await historyOf(deps, snapshot);
  const deadline = deps.clock() + COMPUTE_MS;
  const { proposals, hint, isExhausted } = askAlgorithm({
    problem: problemOf(snapshot, wanted),
    choice: study.spec.algorithm,
    history,
    count: wanted,
    seed: study.spec.seed,
    firstNumber: head.next,
    hint: snapshot.hint,
    drafts,
    isLate: () => deps.clock() > deadline,
  });
  await keepHint(deps, study.id, hint);
  const now = deps.clock();
  const trials = proposals.map(({ x, algorithm, why, cutShort, resource }, i) =>
    queuedTrial(study, { number: head.next + i, ordinal: trialsUsed(head) + i, wanted: resource }, now, {
      params: fromCube(study.space, x),
      algorithm,
      why: cutShort ? `${why}, cut short for time` : why,
    }),
  );
  return { trials, exhausted: isExhausted };
};

/** What takes the place of an algorithm in trials that a client enqueued. */
export const ENQUEUED = "enqueue";

/** A trial's number, and which one of those it is that were not imported, from 0. */
export interface Numbered {
  readonly number: number;
  readonly ordinal: number;
  /** How far whoever proposed it wants it to run; left out where that is the scheduler's matter. */
  readonly wanted?: number | undefined;
}

/** A trial that waits for its first attempt, where the study's scheduler lets it begin. */
export const queuedTrial = (
  study: LoadedStudy,
  { number, ordinal, wanted }: Numbered,
  now: number,
  origin: Pick<TrialItem, "params" | "algorithm" | "why">,
): TrialItem => ({
  ...origin,
  ...placed(study.scheduler.start(ordinal, wanted)),
  study: study.id,
  number,
  state: "queued",
  attempt: 0,
  lost: 0,
  seconds: 0,
  values: null,
  worker: null,
  reason: null,
  created: now,
  leaseExpires: null,
  finished: null,
  checkpoint: null,
  curve: [],
  decision: null,
  attempts: [],
  job: null,
});

/** Keeps a hint for the next ask, on a cold Lambda too. An ask never fails because of it. */
const keepHint = async (deps: ServiceDeps, study: string, hint: Hint | null): Promise<void> => {
  if (hint === null || hint.values.length > MOST_HINTED) return;
  await followUp(deps, study, async () => {
    await updateOnce(deps, putHint(study, hint, deps.clock()));
  });
};
