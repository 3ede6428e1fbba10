import { DEFAULT_ETA, ladder } from "../scheduler/sha.ts";
import type { FiniteValues } from "../schemas/common.ts";
import { newRungEntry } from "../store/rung.ts";
import type { Change } from "../store/store.ts";
import type { TrialItem } from "../store/trial.ts";
import type { LoadedStudy } from "./study.ts";

/** The ladder of a halving study. */
export interface Ladder {
  /** How far a trial runs in each rung, in the study's unit. */
  readonly resources: readonly number[];
  /** Name of that unit. */
  readonly unit: string;
  readonly eta: number;
}

/** @returns null for a study that runs no rounds. */
export const ladderOf = ({ spec }: LoadedStudy): Ladder | null => {
  if (spec.scheduler.name !== "sha") return null;
  const { resource, eta = DEFAULT_ETA } = spec.scheduler;
  return { resources: ladder(resource.min, resource.max, eta), unit: resource.name, eta };
};

/** The rung that a trial runs in, or ran in last; null without a ladder. */
export const rungOf = (rungs: Ladder | null, trial: TrialItem): number | null => {
  const rung = rungs === null || trial.resource === null ? -1 : rungs.resources.indexOf(trial.resource);
  return rung < 0 ? null : rung;
};

/** "rung 1 (epoch 3)" */
export const nameRung = ({ resources, unit }: Ladder, rung: number): string =>
  `rung ${rung} (${unit} ${resources[rung]})`;

/** Enters what a trial came to into the rung that it ran in: null for a trial that failed. */
export const rungEntry = (
  study: LoadedStudy,
  trial: TrialItem,
  values: FiniteValues | null,
): readonly Change[] => {
  const rung = rungOf(ladderOf(study), trial);
  return rung === null ? [] : [newRungEntry(study.id, rung, trial.number, values)];
};
