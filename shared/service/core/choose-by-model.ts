import type { Draft } from "../../optimizer/algorithm.ts";
import { chooseTrials } from "../../optimizer/freeze-thaw/choose.ts";
import { algorithms } from "../../optimizer/registry.ts";
import type { Resumption } from "../../scheduler/scheduler.ts";
import { type NotWorthMore, noteRunning } from "../../store/head.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { trialsLeft, trialsUsed } from "../../study/state.ts";
import { updateOnce } from "./commit.ts";
import type { ServiceDeps } from "./deps.ts";
import { followUp } from "./follow-up.ts";
import { historyOf, problemOf } from "./history.ts";
import { keepHint } from "./keep-hint.ts";

/** How long the model may compute before it answers with what it has; as for an algorithm. */
const COMPUTE_MS = 4000;
/** A full run that is expected to bring less, as a part of what the best result is ahead of the median trial, is hardly worth it. */
const LITTLE = 1e-4;

/** What the model of a study's learning curves chose. */
export interface ModelChoice {
  readonly resumptions: readonly Resumption[];
  readonly drafts: readonly Draft[];
  /** Why the study ends now, because too little is left to gain; null where it goes on. Then nothing else was chosen. */
  readonly end: NotWorthMore | null;
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
  const { resumed, started, gain, hint } = chooseTrials({
    problem: {
      ...problemOf(snapshot, count + ahead),
      options: {},
      seed: study.spec.seed,
      firstNumber: head.next,
      hint: snapshot.hint,
      isLate: () => deps.clock() > deadline,
    },
    history,
    paused: candidates.map(({ trial }) => trial),
    count,
    ahead,
    mostStarted: Math.min(count + ahead, trialsLeft(head)),
    runsToTheEnd: algorithms[study.spec.algorithm.name].ignoresResults !== true,
  });
  await keepHint(deps, study.id, hint);
  const trials = trialsUsed(head);
  const { leastGain: least } = study.scheduler;
  if (gain !== null && least !== undefined && gain < least) {
    return { resumptions: [], drafts: [], end: { kind: "not-worth-more", trials, gain, least } };
  }
  if (gain !== null && least === undefined && gain < LITTLE && head.notice === null) {
    const notice = { kind: "little-to-gain", trials, gain } as const;
    await followUp(deps, study.id, async () => {
      await updateOnce(deps, noteRunning(study.id, notice, false));
    });
  }
  const byNumber = new Map(candidates.map((candidate) => [candidate.trial, candidate]));
  return { resumptions: resumed.flatMap((number) => byNumber.get(number) ?? []), drafts: started, end: null };
};
