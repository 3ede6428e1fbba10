import * as z from "zod";
import { halvingScheduler, waitingIn } from "./halving.ts";
import { type Brackets, checkResource, DEFAULT_ETA, Eta, ladder, Resource } from "./ladder.ts";
import type { Scheduler, SchedulerKind } from "./scheduler.ts";

/**
 * Freeze-thaw (Swersky et al. 2014): trials are paused at each level, and a model of all learning curves chooses which of them
 * goes on and when a new one begins. Once no new trial may begin, those go on that ASHA would let go on, so that the study ends.
 */

const options = {
  resource: Resource,
  eta: Eta.optional(),
  leastGain: z.number().gt(0).lt(1).optional().meta({
    description:
      "The study ends once the resource of another full run is expected to improve the best result by less than this part of what it is ahead of the median trial. By default it only says so, at 0.0001.",
  }),
};

type Options = z.infer<z.ZodObject<typeof options>>;

/** Brackets: trials that climb the ladder, and those that run to the end at once. The model counts what each has used. */
const LADDER = 0;
const FULL = 1;

const bracketsOf = (levels: readonly number[]): Brackets => ({
  of: () => LADDER,
  resources: (bracket) => (bracket === LADDER ? levels : levels.slice(-1)),
  count: () => 2,
  first: () => LADDER,
  range: () => [0, Number.POSITIVE_INFINITY],
});

const create = ({ resource, eta = DEFAULT_ETA, leastGain }: Options): Scheduler => {
  const levels = ladder(resource.min, resource.max, eta);
  const brackets = bracketsOf(levels);
  const halving = { unit: resource.name, eta, mode: "promotion", levels, brackets } as const;
  const climbing = halvingScheduler(halving);
  return {
    ...climbing,
    start: (ordinal, wanted = 0) =>
      wanted >= resource.max ? { bracket: FULL, rung: 0, resource: resource.max } : climbing.start(ordinal),
    candidates: (rungs, progress) => waitingIn(halving, rungs, progress),
    ...(leastGain !== undefined && { leastGain }),
  };
};

export const freezeThaw = {
  name: "freeze-thaw",
  summary:
    "Trials are paused at each level; a model of all learning curves goes on with one of them, or begins a new one, whichever gains most per unit of resource.",
  revision: 3,
  options,
  check: ({ resource }, { objectives }) => [
    ...checkResource(resource),
    ...(objectives === 1
      ? []
      : [
          {
            pointer: "/scheduler/name",
            fault: { kind: "one-objective-only", scheduler: "freeze-thaw", objectives } as const,
          },
        ]),
  ],
  create,
} as const satisfies SchedulerKind<Options>;
