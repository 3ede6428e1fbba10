import type { Place, RungPlace } from "../scheduler/scheduler.ts";
import type { Standing } from "../scheduler/standing.ts";
import type { RungAddress } from "../store/rung.ts";
import type { TableAddress } from "../store/rung-table.ts";
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
  const known = scheduler.rounds === null ? -1 : scheduler.levels.indexOf(resource);
  return known < 0 ? null : { bracket: 0, rung: known, resource };
};

/** The position, among the scheduler's levels, of the one at which a trial will be compared first; 0 without levels. */
export const firstLevel = ({ scheduler }: LoadedStudy, ordinal: number): number => {
  const place = scheduler.start(ordinal);
  const step = scheduler.nextStep(place) ?? place?.resource ?? 0;
  return Math.max(
    0,
    scheduler.levels.findLastIndex((resource) => resource <= step),
  );
};

/** The fields of a trial that is at a place. */
export const placed = (place: Place | null): Pick<TrialItem, "bracket" | "rung" | "resource"> =>
  place === null
    ? { bracket: null, rung: null, resource: null }
    : { bracket: place.bracket, rung: place.rung, resource: place.resource };

/** Which of a rung's tables a trial is entered into. */
export const tableAddress = (study: LoadedStudy, place: RungPlace, trial: number): TableAddress => ({
  ...rungAddress(study, place),
  table: trial % study.spec.tables,
});

export const rungAddress = ({ id }: LoadedStudy, { bracket, rung }: RungPlace): RungAddress => ({
  study: id,
  bracket,
  rung,
});

/** The metrics that trials are compared by: of the objectives, and of those with limits. */
export const comparable = ({ objectives, outcomes }: StudySpec, values: FiniteValues): FiniteValues => {
  const metrics = new Set([...objectives, ...outcomes].map(({ metric }) => metric));
  return Object.fromEntries(Object.entries(values).filter(([metric]) => metrics.has(metric)));
};

/** What a trial's values are worth at a rung; null for a trial that failed. */
export const standingOf = (spec: StudySpec, trial: number, values: FiniteValues | null): Standing => ({
  trial,
  costs: values === null ? [] : spec.objectives.map((objective) => cost(objective, values)),
  violation: violation(spec, values),
});

/** The resource at which a trial's values were measured: one that goes on still has those of the rung below. */
export const measuredAt = ({
  values,
  resource,
  curve,
  state,
}: Pick<TrialItem, "values" | "resource" | "curve" | "state">): number | null => {
  if (values === null || resource === null) return null;
  return state === "completed" ? resource : (curve.at(-1)?.step ?? resource);
};
