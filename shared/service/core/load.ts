import { StudyNotFound } from "../../errors.ts";
import { marketOf } from "../../executor/batch/size.ts";
import { PRICES, type Prices } from "../../prices.ts";
import { schedulerOf } from "../../scheduler/registry.ts";
import { compileSpace } from "../../space/compile.ts";
import { findEarlier } from "../../store/earlier.ts";
import { findSpec } from "../../store/spec.ts";
import { withEarlier } from "../../study/earlier.ts";
import { partOf } from "../../study/nested.ts";
import { partAt } from "../../study/parts.ts";
import { type LoadedStudy, NO_REPEATS, type StudySpec } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";

type LoadDeps = Pick<ServiceDeps, "store" | "warm" | "prices">;

/**
 * Loads a study of a team. What it holds never changes, so a warm Lambda answers from memory.
 * @throws StudyNotFound also for another team's study, after the one read that finds out that there is none: whether this
 *   process knows it already makes no difference.
 */
export const loadStudy = async (deps: LoadDeps, team: string, id: string): Promise<LoadedStudy> => {
  const known = deps.warm.studies.get(id);
  if (known?.team === team) return known;
  const spec = (await findSpec(deps.store, id)) as StudySpec | null;
  if (spec?.team !== team) throw new StudyNotFound(id);
  return keep(deps, id, spec);
};

/** What studies of earlier versions of Hone have of the fields that they did not know. */
const SINCE = { repeats: NO_REPEATS, tables: 1, labels: {} };

/** Loads a study for work that no caller asked for: messages, events, repairs. */
export const loadStudyById = async (deps: LoadDeps, id: string): Promise<LoadedStudy | null> => {
  const { store, warm } = deps;
  const known = warm.studies.get(id);
  if (known !== undefined) return known;
  const place = partAt(id);
  if (place !== null) {
    const whole = await loadStudyById(deps, place.study);
    return whole?.spec.nested === undefined ? null : partOf(whole, whole.spec.nested, place.index);
  }
  const spec = await findSpec(store, id);
  if (spec === null) return null;
  return keep(deps, id, spec as StudySpec);
};

const keep = async ({ store, warm, prices }: LoadDeps, id: string, spec: StudySpec): Promise<LoadedStudy> => {
  const plain = studyOf(id, { ...SINCE, ...spec }, prices);
  const study = spec.warmStart === undefined ? plain : withEarlier(plain, await findEarlier(store, id));
  warm.studies.set(id, study);
  return study;
};

/** A study made of its spec. @throws InvalidInput when its search space is not valid. */
export const studyOf = (id: string, spec: StudySpec, prices: Prices = PRICES): LoadedStudy => ({
  team: spec.team,
  id,
  spec,
  space: compileSpace(spec.space, spec.constraints, spec.forbidden),
  scheduler: schedulerOf(spec.scheduler, spec.executor.type),
  rates: prices[spec.executor.type === "batch" ? marketOf(spec.executor) : "spot"],
});
