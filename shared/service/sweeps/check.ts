import { type FieldError, InvalidInput, StudyNotFound } from "../../errors.ts";
import { pointerTo } from "../../json-pointer.ts";
import type { CreateStudyBody } from "../../schemas/study.ts";
import { MOST_EARLIER } from "../../schemas/warm-start.ts";
import type { SweepItem } from "../../store/sweep.ts";
import { checkStudy } from "../../study/check.ts";
import { checkSchedule } from "../../sweep/check.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { draftStudy, planStudy } from "../studies/create.ts";

/** What of a sweep a body may get wrong. */
export type Wanted = Pick<SweepItem, "team" | "schedule" | "template" | "warmStart">;

/** Which of it is new. The rest stays as it is, whatever has become of it: a schedule that is over, a study that was deleted. */
export interface Changed {
  readonly schedule: boolean;
  readonly template: boolean;
}

/**
 * Refuses at once what every firing would be refused for.
 * @throws InvalidInput naming the field.
 */
export const checkSweep = async (deps: ServiceDeps, wanted: Wanted, changed: Changed): Promise<void> => {
  const { schedule, template, warmStart } = wanted;
  const faults: FieldError[] = [
    ...(changed.schedule ? below("/schedule", checkSchedule(schedule, deps.clock())) : []),
    ...(changed.template ? tooManyEarlier(template, warmStart) : []),
  ];
  if (faults.length > 0) throw new InvalidInput(faults);
  if (changed.template) await checkTemplate(deps, wanted);
};

const checkTemplate = async (deps: ServiceDeps, { team, template, warmStart }: Wanted): Promise<void> => {
  try {
    // An id as long as that of any study; nothing of this is written.
    const id = "template-of-a-sweep";
    await planStudy(deps, team, template, id);
    if (warmStart > 0) checkWarm(deps, team, template, id);
  } catch (error) {
    if (error instanceof InvalidInput) throw new InvalidInput(below("/template", error.errors), error.type);
    throw error instanceof StudyNotFound ? missing(template, error.facts.study) : error;
  }
};

/** The team does not have a study that the template names. */
const missing = ({ warmStart }: CreateStudyBody, study: string): InvalidInput => {
  const place = warmStart?.studies.findIndex((named) => named.study === study) ?? 0;
  const pointer = `/template/warmStart/studies${pointerTo([place])}`;
  return new InvalidInput([{ pointer, fault: { kind: "earlier-missing", study } }]);
};

/** Whether studies of the template could begin warm. */
const checkWarm = (deps: ServiceDeps, team: string, template: CreateStudyBody, id: string): void => {
  const { spec, space, rates } = draftStudy(deps, team, template, id);
  const { trials, gpuHours = 0, dollars = 0 } = template.budget;
  const budget = { trials, parallel: template.budget.parallel ?? 1, gpuHours, dollars };
  checkStudy({ ...spec, warmStart: { studies: [] } }, space, budget, rates);
};

const tooManyEarlier = ({ warmStart: own }: CreateStudyBody, last: number): FieldError[] => {
  const named = own?.studies.length ?? 0;
  if (last === 0 || last + named <= MOST_EARLIER) return [];
  return [
    { pointer: "/warmStart/last", fault: { kind: "too-many-earlier", last, named, most: MOST_EARLIER } },
  ];
};

const below = (place: string, errors: readonly FieldError[]): FieldError[] =>
  errors.map(({ pointer, fault }) => ({ pointer: `${place}${pointer}`, fault }));
