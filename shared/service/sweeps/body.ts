import type { CreateStudyBody } from "../../schemas/study.ts";
import { MOST_EARLIER } from "../../schemas/warm-start.ts";
import type { SweepItem } from "../../store/sweep.ts";
import { checkEarlier } from "../../study/check-earlier.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { startsFrom } from "../../sweep/retention.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { draftStudy } from "../studies/create.ts";
import { type Fired, firedOf, firingsWithStudies } from "./progress.ts";

/** Of so many firings one looks for those that a study begins with. */
const LOOK_BACK = 50;

/**
 * The body of a firing's study: the template, and the studies of the last firings that it begins with. Those of which it could use
 * nothing, because the template has changed since, are passed over.
 */
export const bodyOfFiring = async (
  deps: ServiceDeps,
  { sweep, team, template, warmStart }: SweepItem,
  id: string,
): Promise<CreateStudyBody> => {
  if (warmStart === 0) return template;
  const named = template.warmStart?.studies ?? [];
  const draft = draftStudy(deps, team, template, id);
  const useful: Fired[] = [];
  let seen = 0;
  for await (const firing of firingsWithStudies(deps, sweep)) {
    if (++seen > LOOK_BACK || startsFrom(useful, warmStart).length === warmStart) break;
    const fired = await firedOf(deps, team, firing);
    if (fired === null || named.some(({ study }) => study === fired.study)) continue;
    if (await isUseful(deps, draft, fired.study)) useful.push(fired);
  }
  const earlier = startsFrom(useful, warmStart).map((study) => ({ study }));
  const studies = [...named, ...earlier].slice(0, MOST_EARLIER);
  return studies.length === 0 ? template : { ...template, warmStart: { studies } };
};

const isUseful = async (deps: ServiceDeps, draft: LoadedStudy, id: string): Promise<boolean> => {
  const source = await loadStudyById(deps, id);
  return source !== null && checkEarlier(draft, source, { study: id }, []).length === 0;
};
