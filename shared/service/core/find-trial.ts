import { StudyNotFound, TrialNotFound } from "../../errors.ts";
import { findHead, type Head } from "../../store/head.ts";
import type { Segment } from "../../store/segment.ts";
import { findTrialItem, type TrialItem } from "../../store/trial.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";
import { segmentsOf } from "./segments.ts";
import { readSnapshot } from "./snapshot.ts";

/**
 * The trial, folded or not. The head is read beside it, because a trial's item outlives the deletion of its study for a
 * while: one read unit more for a tell, and no write, so that tells need not compete with asks for the head.
 * @throws StudyNotFound when the study is gone or being deleted, TrialNotFound
 */
export const findTrial = async (deps: ServiceDeps, study: LoadedStudy, number: number): Promise<TrialItem> =>
  (await findTrialAndHead(deps, study, number)).trial;

/** The trial, with its study's head as it was at about that time. @throws as `findTrial`. */
export const findTrialAndHead = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
): Promise<{ readonly trial: TrialItem; readonly head: Head }> => {
  const [head, unfolded] = await Promise.all([
    findHead(deps.store, study.id),
    findTrialItem(deps.store, study, number),
  ]);
  if (head === null || head.state === "deleting") throw new StudyNotFound(study.id);
  if (unfolded !== null) return { trial: unfolded, head };
  const find = await trialFinder(deps, await readSnapshot(deps, study));
  const trial = find(number);
  if (trial === null) throw new TrialNotFound(number);
  return { trial, head };
};

/** Finds any trial of a snapshot by its number, decoding only what is asked for. */
export const trialFinder = async (deps: ServiceDeps, snapshot: Snapshot): Promise<FindTrial> =>
  finderIn(snapshot, await segmentsOf(deps, snapshot.study, 0, snapshot.head.segments));

export type FindTrial = (number: number) => TrialItem | null;

/** The same with the snapshot's segments at hand. */
export const finderIn = ({ trials }: Snapshot, segments: readonly Segment[]): FindTrial => {
  const unfolded = new Map(trials.map((trial) => [trial.number, trial]));
  let last = 0;
  /** A trial that was folded while it was paused may have gone on and be in a later segment too. */
  const latest = (number: number): TrialItem | null => {
    const segment = segments.findLast((each) => each.find(number) >= 0);
    return segment === undefined ? null : segment.trial(segment.find(number));
  };
  return (number) => {
    const trial = unfolded.get(number);
    if (trial !== undefined) return trial;
    // The next number is mostly in the segment of the last one.
    for (let tried = 0; tried < segments.length; tried++) {
      const k = (last + tried) % segments.length;
      const i = segments[k]?.find(number) ?? -1;
      if (i < 0) continue;
      last = k;
      const found = segments[k]?.trial(i) ?? null;
      return found?.state === "paused" ? latest(number) : found;
    }
    return null;
  };
};
