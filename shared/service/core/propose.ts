import type { Draft } from "../../optimizer/algorithm.ts";
import { continues } from "../../optimizer/choice.ts";
import { askForRuns } from "../../optimizer/runs.ts";
import { fromCube } from "../../space/cube.ts";
import type { Origin, Run, TrialItem } from "../../store/trial.ts";
import { placed } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { trialsLeft, trialsUsed } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";
import { trialFinder } from "./find-trial.ts";
import { historyOf, problemOf } from "./history.ts";
import { keepHint } from "./keep-hint.ts";

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
  const { proposals, hint, isExhausted } = askForRuns({
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
  const hasBegun = proposals.some(({ configuration = head.next }) => configuration < head.next);
  const find = hasBegun ? await trialFinder(deps, snapshot) : () => null;
  const now = deps.clock();
  const originOf = await origins(deps, snapshot, proposals);
  const trials = proposals.map((proposal, i) => {
    const { x, algorithm, why, cutShort, parent, resource, bracket } = proposal;
    const { configuration, instance, iteration } = proposal;
    const numbered = {
      ...{ number: head.next + i, ordinal: trialsUsed(head) + i, wanted: resource, bracket },
      ...{ configuration, instance, iteration },
    };
    return queuedTrial(study, numbered, now, {
      // To the last digit what the configuration's first trial had, which the way to the cube and back may not keep.
      params: (configuration === undefined ? null : find(configuration))?.params ?? fromCube(study.space, x),
      algorithm,
      why: cutShort ? `${why}, cut short for time` : why,
      ...(parent !== undefined && { origin: originOf(parent) }),
    });
  });
  return { trials, exhausted: isExhausted };
};

/** What trials go on from. A result and its checkpoint are committed together, and nothing changes them after that. */
const origins = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  proposals: readonly Draft[],
): Promise<(parent: number) => Origin> => {
  const goesOn = proposals.some(({ parent }) => parent !== undefined);
  const find = goesOn ? await trialFinder(deps, snapshot) : () => null;
  return (parent) => {
    const checkpoint = find(parent)?.checkpoint ?? null;
    if (checkpoint === null && continues(snapshot.study.spec.algorithm))
      throw new Error(`Trial ${parent} has no checkpoint to go on from.`);
    return { trial: parent, checkpoint };
  };
};

/** What takes the place of an algorithm in trials that a client enqueued. */
export const ENQUEUED = "enqueue";

/** A trial's number, and which one of those it is that were not imported, from 0. */
export interface Numbered {
  readonly number: number;
  readonly ordinal: number;
  /** How far whoever proposed it wants it to run; left out where that is the scheduler's matter. */
  readonly wanted?: number | undefined;
  /** The bracket that whoever proposed it puts it into; left out where that is the scheduler's matter. */
  readonly bracket?: number | undefined;
  /** Where configurations have several runs: which one it is; the first of a new configuration if left out. */
  readonly configuration?: number | undefined;
  readonly instance?: number | undefined;
  readonly iteration?: number | undefined;
}

/** Which run of which configuration a new trial is; null where a configuration is one trial. */
const runOf = (
  { spec }: LoadedStudy,
  { number, configuration = number, instance = 0, iteration }: Numbered,
): Run | null =>
  spec.evaluation === undefined
    ? null
    : { configuration, instance, ...(iteration !== undefined && { iteration }) };

/** A trial that waits for its first attempt, where the study's scheduler lets it begin. */
export const queuedTrial = (
  study: LoadedStudy,
  numbered: Numbered,
  now: number,
  origin: Pick<TrialItem, "params" | "algorithm" | "why" | "origin">,
): TrialItem => ({
  ...origin,
  ...placed(study.scheduler.start(numbered.ordinal, numbered.wanted, numbered.bracket)),
  study: study.id,
  number: numbered.number,
  run: runOf(study, numbered),
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
