import { StudyNotFound, WrongExecutor } from "../../errors.ts";
import { readUnfolded } from "../../store/partition.ts";
import type { TrialItem } from "../../store/trial.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";
import { segmentsOf } from "./segments.ts";

/**
 * Reads a study's head, hint and unfolded trials.
 * @throws StudyNotFound when the study is gone or being deleted.
 */
export const readSnapshot = async (deps: ServiceDeps, study: LoadedStudy): Promise<Snapshot> => {
  const snapshot = await findSnapshot(deps, study);
  if (snapshot === null) throw new StudyNotFound(study.id);
  return snapshot;
};

/** The same for work that no caller waits for: null when the study is gone or being deleted. */
export const findSnapshot = async (deps: ServiceDeps, study: LoadedStudy): Promise<Snapshot | null> => {
  const items = await readUnfolded(deps.store, study);
  if (items === null || items.head.state === "deleting") return null;
  const { head, hint, trials } = items;
  const snapshot = { study, head, hint };
  if (head.unswept < 0) return { ...snapshot, trials };
  // A fold has put its segment but not swept the tail yet: what the segment holds counts once.
  const swept = await segmentsOf(deps, study, head.unswept, head.unswept + 1);
  const folded = (number: number) =>
    swept.flatMap((segment) => (segment.find(number) < 0 ? [] : [segment.trial(segment.find(number))]));
  // One that was folded while it was paused may have gone on: then the tail's item counts.
  const isFolded = ({ number, attempt }: TrialItem) =>
    folded(number).some((held) => held.state !== "paused" || held.attempt === attempt);
  return { ...snapshot, trials: trials.filter((trial) => !isFolded(trial)) };
};

/**
 * The refusal of a call that belongs to the other executor; of a study that is gone, callers hear only that.
 * @throws StudyNotFound
 */
export const wrongExecutor = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  facts: WrongExecutor["facts"],
): Promise<WrongExecutor> => {
  await readSnapshot(deps, study);
  return new WrongExecutor(facts);
};
