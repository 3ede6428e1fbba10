import type { Place, RungPlace, Standing } from "../scheduler/scheduler.ts";
import type { RungAddress } from "../store/rung.ts";
import type { TrialItem } from "../store/trial.ts";
import type { FiniteValues } from "../values.ts";
import { cost, violation } from "./objectives.ts";
import type { LoadedStudy, StudySpec } from "./study.ts";

/** Where a trial is on the ladders of its study's scheduler; null when it is on none. */
export const placeOf = (
  { scheduler }: LoadedStudy,
  trial: Pick<TrialItem, "bracket" | "rung" | "resource">,
): Place | null => {
  const { bracket, rung, resource } = trial;
  if (resource === null) return null;
  if (bracket !== null && rung !== null) return { bracket, rung, resource };
  // Trials written before they carried their rung: such studies had one ladder.
  const known = scheduler.rounds?.resources.indexOf(resource) ?? -1;
  return known < 0 ? null : { bracket: 0, rung: known, resource };
};

/** The fields of a trial that is at a place. */
export const placed = (place: Place | null): Pick<TrialItem, "bracket" | "rung" | "resource"> =>
  place === null
    ? { bracket: null, rung: null, resource: null }
    : { bracket: place.bracket, rung: place.rung, resource: place.resource };

export const rungAddress = ({ id }: LoadedStudy, { bracket, rung }: RungPlace): RungAddress => ({
  study: id,
  bracket,
  rung,
});

/** What a trial's values are worth at a rung; null for a trial that failed. */
export const standingOf = (spec: StudySpec, trial: number, values: FiniteValues | null): Standing => ({
  trial,
  costs: values === null ? [] : spec.objectives.map((objective) => cost(objective, values)),
  violation: violation(spec, values),
});
