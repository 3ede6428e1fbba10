import type { Draft } from "../../optimizer/algorithm.ts";
import { chooseTrials } from "../../optimizer/freeze-thaw/choose.ts";
import { algorithms } from "../../optimizer/registry.ts";
import type { Resumption } from "../../scheduler/scheduler.ts";
import { noteRunning } from "../../store/head.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { trialsLeft, trialsUsed } from "../../study/state.ts";
import { updateOnce } from "./commit.ts";
import type { ServiceDeps } from "./deps.ts";
import { followUp } from "./follow-up.ts";
import { historyOf, problemOf } from "./history.ts";

/** How long the model may compute before it answers with what it has; as for an algorithm. */
const COMPUTE_MS = 4000;
/** A full run that is expected to bring less, as a part of what the best result is ahead of the median trial, is hardly worth it. */
const LITTLE = 1e-4;

/** What the model of a study's learning curves chose. */
export interface ModelChoice {
  readonly resumptions: readonly Resumption[];
  readonly drafts: readonly Draft[];
}

/** How many trials are chosen. */
export interface Wanted {
  /** For those who ask now: paused and new ones together. */
  readonly now: number;
  /** New ones for the asks to come. */
  readonly ahead: number;
}

/** Lets a model of all learning curves choose between going on with paused trials and beginning new ones. */
export const chooseByModel = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  candidates: readonly Resumption[],
  { now: count, ahead }: Wanted,
): Promise<ModelChoice> => {
  const { study, head } = snapshot;
  const history = await historyOf(deps, snapshot);
  const deadline = deps.clock() + COMPUTE_MS;
  const { resumed, started, gain } = chooseTrials({
    problem: {
      ...problemOf(snapshot, count + ahead),
      options: {},
      seed: study.spec.seed,
      firstNumber: head.next,
      hint: null,
      isLate: () => deps.clock() > deadline,
    },
    history,
    paused: candidates.map(({ trial }) => trial),
    count,
    ahead,
    mostStarted: Math.min(count + ahead, trialsLeft(head)),
    runsToTheEnd: algorithms[study.spec.algorithm.name].ignoresResults !== true,
  });
  if (gain !== null && gain < LITTLE && head.notice === null) {
    const notice = { kind: "little-to-gain", trials: trialsUsed(head), gain } as const;
    await followUp(deps, study.id, async () => {
      await updateOnce(deps, noteRunning(study.id, notice, false));
    });
  }
  const byNumber = new Map(candidates.map((candidate) => [candidate.trial, candidate]));
  return { resumptions: resumed.flatMap((number) => byNumber.get(number) ?? []), drafts: started };
};
