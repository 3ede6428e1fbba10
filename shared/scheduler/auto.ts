import * as z from "zod";
import type { SchedulerWhy } from "../sentences/scheduler-choices.ts";
import { DEFAULT_ETA, Eta, ladder, Resource } from "./ladder.ts";
import type { SchedulerChoice } from "./registry.ts";
import type { SchedulerSetting } from "./scheduler.ts";

/**
 * The scheduler of a study that names a resource and leaves the rest to Hone. It is chosen once, when the study is created, by
 * ladder, budget and objectives; the study keeps the choice, and why. The measurements behind the rules are in
 * `docs/decisions/0010-what-auto-schedules.md`.
 */
const options = {
  resource: Resource,
  eta: Eta.optional(),
  resumes: z.boolean().optional().meta({
    description:
      "Whether programs can go on with a trial that was paused, from its checkpoint or at little cost from its beginning; true by default.",
  }),
};

const NAME = "auto";
const SUMMARY =
  "Hone chooses by ladder, budget and objectives; `schedulerWhy` of the study says why. The same without `name`.";

export const AutoScheduler = z.strictObject({
  name: z.literal(NAME).meta({ description: SUMMARY }),
  ...options,
});
/** The same, of a study that names only its resource. */
export const ResourceAlone = z.strictObject(options);
export type AutoScheduler = z.infer<typeof AutoScheduler> | z.infer<typeof ResourceAlone>;

export interface ScheduledWhy {
  readonly choice: SchedulerChoice;
  readonly why: SchedulerWhy;
}

/** So many trials of a budget should come to the top of a ladder. */
const AT_TOP = 3;

/** Chooses a scheduler. What is wrong with the resource is found where the choice is checked. */
export const chooseScheduler = (wanted: AutoScheduler, setting: SchedulerSetting): ScheduledWhy => {
  const { resource, eta = DEFAULT_ETA, resumes = true } = wanted;
  const { objectives, trials } = setting;
  if (setting.continues) return { choice: { name: "segments", resource }, why: { kind: "segments" } };
  const levels = ladder(resource.min, resource.max, eta);
  const rungs = rungsFor(trials, eta, levels.length - 1);
  const everyTrial = { name: "none" } as const;
  // With few trials the ladder begins higher, so that some of them come to its top.
  const min = rungs > 0 ? (levels.at(-1 - rungs) ?? resource.min) : resource.min;
  if (rungs === 0 && resource.min <= resource.max) {
    const { name: unit, max } = resource;
    return levels.length < 2
      ? { choice: everyTrial, why: { kind: "one-level", unit, min, max, eta } }
      : { choice: everyTrial, why: { kind: "few-trials", trials, needed: AT_TOP * eta } };
  }
  const common = { resource: { ...resource, min }, ...(wanted.eta !== undefined && { eta }) };
  const stopping = { name: "asha", ...common } as const;
  if (objectives > 1) return { choice: stopping, why: { kind: "several-objectives", objectives } };
  if (!resumes) return { choice: stopping, why: { kind: "no-resume" } };
  return { choice: { name: "freeze-thaw", ...common }, why: { kind: "learning-curves" } };
};

/** How many rungs below the top a budget has trials for. */
const rungsFor = (trials: number, eta: number, most: number): number => {
  let rungs = 0;
  for (let needed = AT_TOP * eta; rungs < most && trials >= needed; needed *= eta) rungs++;
  return rungs;
};
