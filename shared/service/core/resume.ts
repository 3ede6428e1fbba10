import type { Draft } from "../../optimizer/algorithm.ts";
import type { Resumption } from "../../scheduler/scheduler.ts";
import type { HeadPatch, NotWorthMore } from "../../store/head.ts";
import type { StoredLadders } from "../../store/rung-table.ts";
import type { TrialItem } from "../../store/trial.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { countTrials, trialsLeft } from "../../study/state.ts";
import { chooseByModel, type Wanted } from "./choose-by-model.ts";
import type { ServiceDeps } from "./deps.ts";
import { trialFinder } from "./find-trial.ts";
import { choosesByModel, resumable } from "./ladders.ts";

/** A paused trial that goes on, and where. */
export interface Resumed extends Resumption {
  readonly item: TrialItem;
}

/** Paused trials of a study that go on now. */
export interface GoingOn {
  readonly resumed: readonly Resumed[];
  /** New trials that a model chose to begin beside them; the study's algorithm proposes what is missing. */
  readonly drafts: readonly Draft[];
  /** Null when none goes on. */
  readonly ladders: StoredLadders | null;
  /**
   * Nothing runs and nothing new may be started, so that who goes on depends on that: it holds only as long as nobody has
   * been given a lease since.
   */
  readonly isAtAnEnd: boolean;
  /** At an end, and none of those that are paused goes on: the study is over. */
  readonly isSettled: boolean;
  /** What the head then says of a study that ends because its model expects too little of more trials; null for any other. */
  readonly end: HeadPatch | null;
}

const NONE: GoingOn = {
  ...{ resumed: [], drafts: [], ladders: null },
  ...{ isAtAnEnd: false, isSettled: false, end: null },
};

/**
 * Finds the paused trials that the scheduler, or its model, lets go on.
 * @param busy trials that run or wait to.
 * @param wanted at most so many; nothing is read for none.
 */
export const pausedTrials = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  busy: number,
  wanted: Wanted,
): Promise<GoingOn> => {
  if (wanted.now <= 0) return NONE;
  const isAtAnEnd = busy === 0 && trialsLeft(snapshot.head) === 0;
  if (countTrials(snapshot).paused === 0) {
    if (!choosesByModel(snapshot)) return NONE;
    const { drafts, end } = await chooseByModel(deps, snapshot, [], wanted);
    return { ...NONE, drafts, end: endPatch(end) };
  }
  const found = await resumable(deps, snapshot, busy, wanted.now);
  if (found === null) return NONE;
  const { ladders } = found;
  const { resumptions, drafts, end } = found.byModel
    ? await chooseByModel(deps, snapshot, found.resumptions, wanted)
    : { ...found, drafts: [], end: null };
  if (end !== null) return { ...NONE, end: endPatch(end) };
  if (resumptions.length === 0 && drafts.length === 0) {
    return { ...NONE, isAtAnEnd, isSettled: isAtAnEnd && !snapshot.head.settled };
  }
  const find = await trialFinder(deps, snapshot);
  const resumed = resumptions.flatMap((resumption) => {
    const item = find(resumption.trial);
    return item !== null && waitsAt(resumption, item) ? [{ ...resumption, item }] : [];
  });
  return { ...NONE, resumed, drafts, ladders, isAtAnEnd };
};

/** No new trial begins, and none that is paused goes on. */
const endPatch = (ended: NotWorthMore | null): HeadPatch | null =>
  ended === null ? null : { exhausted: true, settled: true, ended };

/** The rungs are read after the trials: one that went on meanwhile is not the one that was read. */
const waitsAt = ({ from }: Resumption, { state, bracket, rung }: TrialItem): boolean =>
  state === "paused" && bracket === from.bracket && rung === from.rung;
