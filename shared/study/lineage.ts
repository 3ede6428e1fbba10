import type { LeasedTrial, LineageSegment } from "../schemas/trial.ts";
import type { TrialItem } from "../store/trial.ts";
import { takesGradients } from "./gradients.ts";
import { placeOf } from "./place.ts";
import type { LoadedStudy } from "./study.ts";

/** Where an attempt continues from: what an earlier one of its trial committed, or else what its trial goes on from. */
export const checkpointFor = ({ checkpoint, origin }: TrialItem): string | null =>
  checkpoint ?? origin?.checkpoint ?? null;

/** What segments say beside other trials: which trial one goes on from, and how far that one ran. */
export const continuationOf = (
  study: LoadedStudy,
  trial: TrialItem,
): Pick<LeasedTrial, "parent" | "resumesAt"> => {
  const { segments } = study.scheduler;
  if (segments === undefined)
    return takesGradients(study.spec) ? { parent: trial.origin?.trial ?? null } : {};
  return {
    parent: trial.origin?.trial ?? null,
    resumesAt: (placeOf(study, trial)?.rung ?? 0) * segments.length,
  };
};

/** Whether a trial has completed and a longer run may go on from it. */
export const mayBeContinued = ({ scheduler: { segments } }: LoadedStudy, trial: TrialItem): boolean =>
  segments !== undefined && trial.state === "completed" && (trial.resource ?? segments.end) < segments.end;

/** Whether others may go on from a trial. */
export const mayBeParent = (study: LoadedStudy, trial: TrialItem): boolean =>
  takesGradients(study.spec) ? trial.state === "completed" : mayBeContinued(study, trial);

/** A trial as a lineage shows it. */
export const segmentOf = (study: LoadedStudy, trial: TrialItem): LineageSegment => ({
  number: trial.number,
  from: continuationOf(study, trial).resumesAt ?? (trial.resource === null ? null : 0),
  to: trial.resource,
  params: trial.params,
  values: trial.values,
});
