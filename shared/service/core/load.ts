import { StudyNotFound } from "../../errors.ts";
import { schedulerOf } from "../../scheduler/registry.ts";
import { compileSpace } from "../../space/compile.ts";
import { findSpec } from "../../store/spec.ts";
import { type LoadedStudy, NO_REPEATS, type StudySpec } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";

type LoadDeps = Pick<ServiceDeps, "store" | "warm">;

/**
 * Loads a study of a team. What it holds never changes, so a warm Lambda answers from memory.
 * @throws StudyNotFound also for another team's study.
 */
export const loadStudy = async (deps: LoadDeps, team: string, id: string): Promise<LoadedStudy> => {
  const study = await loadStudyById(deps, id);
  if (study === null || study.team !== team) throw new StudyNotFound(id);
  return study;
};

/** What studies of earlier versions of Hone have of the fields that they did not know. */
const SINCE = { repeats: NO_REPEATS, tables: 1 };

/** Loads a study for work that no caller asked for: messages, events, repairs. */
export const loadStudyById = async ({ store, warm }: LoadDeps, id: string): Promise<LoadedStudy | null> => {
  const known = warm.studies.get(id);
  if (known !== undefined) return known;
  const spec = await findSpec(store, id);
  if (spec === null) return null;
  const study = studyOf(id, { ...SINCE, ...(spec as StudySpec) });
  warm.studies.set(id, study);
  return study;
};

/** A study made of its spec. @throws InvalidInput when its search space is not valid. */
export const studyOf = (id: string, spec: StudySpec): LoadedStudy => ({
  team: spec.team,
  id,
  spec,
  space: compileSpace(spec.space, spec.constraints, spec.forbidden),
  scheduler: schedulerOf(spec.scheduler, spec.executor.type),
});
