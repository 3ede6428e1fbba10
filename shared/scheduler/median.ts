import * as z from "zod";
import { checkResource, Resource } from "./ladder.ts";
import type { Rung } from "./rung-table.ts";
import { compareIn } from "./rung-table.ts";
import type { Place, RungPlace, Scheduler, SchedulerKind, SchedulerReport, Verdict } from "./scheduler.ts";
import { hasFailed, inOrder, type Standing } from "./standing.ts";

/**
 * The median rule (Golovin et al. 2017, section 3.2): a trial is stopped when its best value so far is worse than the median of
 * the running averages that other trials had at the same step.
 */

const DEFAULT_STARTUP = 5;
/** At most so many steps of a trial are compared when the study does not say how often. */
const CHECKS = 32;

const options = {
  resource: Resource,
  startup: z.int().min(1).max(1000).optional().meta({
    description: "Trials that must have come to a step before any is stopped there; 5 by default.",
  }),
  every: z.int().min(1).max(1_000_000_000).optional().meta({
    description:
      "Steps between two comparisons, from `resource.min` on; at most 32 comparisons a trial by default.",
  }),
};

type Options = z.infer<z.ZodObject<typeof options>>;

/** The steps at which trials are compared, and the end. */
const stepsOf = ({
  resource: { min, max },
  every = Math.ceil((max - min + 1) / CHECKS),
}: Options): number[] => {
  const steps: number[] = [];
  for (let step = min; step < max; step += every) steps.push(step);
  return [...steps, max];
};

const MOST_CHECKS = 1000;

const create = (given: Options): Scheduler => {
  const { resource, startup = DEFAULT_STARTUP } = given;
  const steps = stepsOf(given);
  const top = steps.length - 1;
  const placeAt = (rung: number): Place => ({ bracket: 0, rung, resource: resource.max });
  const watches = (place: Place | null, step: number): RungPlace | null => {
    const rung = steps.findLastIndex((each) => each <= step);
    return place === null || rung < place.rung || rung >= top ? null : { bracket: 0, rung };
  };
  const nextStep = (place: Place | null) =>
    place === null || place.rung >= top ? null : (steps[place.rung] ?? null);
  const report = ({ place, step, standing, earlier }: SchedulerReport, rung: Rung): Verdict => {
    const at = watches(place, step);
    if (at === null) {
      const reason = { kind: "before-rung", unit: resource.name, next: nextStep(place) } as const;
      return { decision: "continue", reason, records: null };
    }
    if (hasFailed(standing))
      return { decision: "continue", reason: { kind: "objective-missing" }, records: null };
    const recorded = { records: at, entry: average([...earlier, standing]), place: placeAt(at.rung + 1) };
    const [best = standing] = inOrder(
      [...earlier, standing].map((each) => ({ ...each, trial: standing.trial })),
    );
    const comparison = compareIn(rung, best, (of) => Math.ceil(of / 2));
    const facts = { rung: at.rung, unit: resource.name, resource: steps[at.rung] ?? step };
    if (rung.entered < startup) {
      const reason = { kind: "rung-too-few", ...facts, of: comparison.of, needed: startup + 1 } as const;
      return { decision: "continue", reason, ...recorded };
    }
    const isWorse = 2 * (comparison.rank - 1) > rung.entered;
    const reason = { kind: isWorse ? "below-median" : "above-median", ...facts, ...comparison } as const;
    return isWorse
      ? { decision: "stop", reason, comparison, records: at, entry: recorded.entry }
      : { decision: "continue", reason, comparison, ...recorded };
  };
  return {
    rounds: null,
    levels: steps,
    eta: null,
    start: () => placeAt(0),
    nextStep,
    watches,
    keeps: () => 0,
    report,
    end: () => ({ state: "completed", reason: null, records: null }),
    firstBracket: () => 0,
    resume: () => [],
  };
};

/** The mean of what a trial came to so far. */
const average = (standings: readonly Standing[]): Standing => {
  const n = standings.length;
  const last = standings[n - 1]!;
  const mean = (of: (standing: Standing) => number) => standings.reduce((sum, each) => sum + of(each) / n, 0);
  return {
    trial: last.trial,
    costs: last.costs.map((_, j) => mean(({ costs }) => costs[j] ?? Number.NaN)),
    violation: mean(({ violation }) => violation),
  };
};

export const median = {
  name: "median",
  summary:
    "The median rule: a trial is stopped when it is worse than the median of the others at the same step.",
  revision: 1,
  options,
  check: (given) => {
    const faults = checkResource(given.resource);
    const { min, max } = given.resource;
    if (faults.length === 0 && (max - min) / (given.every ?? max) > MOST_CHECKS) {
      faults.push({
        pointer: "/scheduler/every",
        fault: { kind: "too-many-comparisons", most: MOST_CHECKS },
      });
    }
    return faults;
  },
  create,
} as const satisfies SchedulerKind<Options>;
