import { type FieldError, InvalidInput } from "../../errors.ts";
import type { CreateStudyBody } from "../../schemas/study.ts";
import { MOST_EARLIER } from "../../schemas/warm-start.ts";
import type { SweepItem } from "../../store/sweep.ts";
import { checkStudy } from "../../study/check.ts";
import { checkSchedule } from "../../sweep/check.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { draftStudy, planStudy } from "../studies/create.ts";

/** What of a sweep a body may get wrong. */
export type Wanted = Pick<SweepItem, "team" | "schedule" | "template" | "warmStart">;

/**
 * Refuses at once what every firing would be refused for.
 * @param isNew whether the schedule is: one that has fired for the last time stays as it is.
 * @throws InvalidInput naming the field, StudyNotFound for an earlier study that the template names.
 */
export const checkSweep = async (deps: ServiceDeps, wanted: Wanted, isNew: boolean): Promise<void> => {
  const { team, schedule, template, warmStart } = wanted;
  const faults: FieldError[] = [
    ...(isNew ? below("/schedule", checkSchedule(schedule, deps.clock())) : []),
    ...tooManyEarlier(template, warmStart),
  ];
  if (faults.length > 0) throw new InvalidInput(faults);
  try {
    // An id as long as that of any study; nothing of this is written.
    const id = "template-of-a-sweep";
    await planStudy(deps, team, template, id);
    if (warmStart > 0) checkWarm(deps, team, template, id);
  } catch (error) {
    if (error instanceof InvalidInput) throw new InvalidInput(below("/template", error.errors), error.type);
    throw error;
  }
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
