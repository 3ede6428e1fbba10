import * as z from "zod";
import { halvingScheduler } from "./halving.ts";
import { checkResource, DEFAULT_ETA, Eta, ladder, oneBracket, Resource } from "./ladder.ts";
import type { Scheduler, SchedulerKind } from "./scheduler.ts";

/** Asynchronous successive halving (Li et al. 2020): no trial waits for others, so that every worker is busy. */

/** How trials end that are not among the best of a rung. */
export const AshaType = z.enum(["stopping", "promotion"]).meta({
  description:
    "`stopping` (the default): a trial runs on until a rung where it is not among the best. `promotion`: it is paused at each rung, and resumed from its checkpoint when it is among the best.",
});

const options = { resource: Resource, eta: Eta.optional(), type: AshaType.optional() };

type Options = z.infer<z.ZodObject<typeof options>>;

const create = ({ resource, eta = DEFAULT_ETA, type = "stopping" }: Options): Scheduler => {
  const levels = ladder(resource.min, resource.max, eta);
  return halvingScheduler({ unit: resource.name, eta, mode: type, levels, brackets: oneBracket(levels) });
};

export const asha = {
  name: "asha",
  summary: "Asynchronous successive halving: at each rung only the best 1/eta of the trials so far go on.",
  revision: 1,
  options,
  check: ({ resource }) => checkResource(resource),
  create,
} as const satisfies SchedulerKind<Options>;
