import type * as z from "zod";
import { halvingScheduler, waitingIn } from "./halving.ts";
import { checkResource, DEFAULT_ETA, Eta, ladder, oneBracket, Resource } from "./ladder.ts";
import type { Scheduler, SchedulerKind } from "./scheduler.ts";

/**
 * Freeze-thaw (Swersky et al. 2014): trials are paused at each level, and a model of all learning curves chooses which of them
 * goes on and when a new one begins. Once no new trial may begin, those go on that ASHA would let go on, so that the study ends.
 */

const options = { resource: Resource, eta: Eta.optional() };

type Options = z.infer<z.ZodObject<typeof options>>;

const create = ({ resource, eta = DEFAULT_ETA }: Options): Scheduler => {
  const levels = ladder(resource.min, resource.max, eta);
  const halving = {
    unit: resource.name,
    eta,
    mode: "promotion",
    levels,
    brackets: oneBracket(levels),
  } as const;
  return {
    ...halvingScheduler(halving),
    candidates: (rungs, progress) => waitingIn(halving, rungs, progress),
  };
};

export const freezeThaw = {
  name: "freeze-thaw",
  summary:
    "Trials are paused at each level; a model of all learning curves goes on with one of them, or begins a new one, whichever gains most per unit of resource.",
  revision: 1,
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
