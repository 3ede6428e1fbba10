import type * as z from "zod";
import type { FieldError } from "../errors.ts";
import { halvingScheduler } from "./halving.ts";
import { checkResource, DEFAULT_ETA, Eta, ladder, oneBracket, Resource } from "./ladder.ts";
import { checkRounds, roundsScheduler } from "./rounds.ts";
import type { Scheduler, SchedulerKind, SchedulerSetting } from "./scheduler.ts";

/**
 * Synchronous successive halving (Jamieson and Talwalkar 2016): all trials run a little, the best 1/eta of them run eta
 * times as far, and so on. In a batch study state machines open and close the rungs; in a client study the asks do.
 */

const NAME = "sha";

const options = { resource: Resource, eta: Eta.optional() };

type Options = z.infer<z.ZodObject<typeof options>>;

const laddersOf = ({ resource, eta = DEFAULT_ETA }: Options) => {
  const levels = ladder(resource.min, resource.max, eta);
  return { unit: resource.name, eta, levels, brackets: oneBracket(levels) };
};

const create = (options: Options, executor: SchedulerSetting["executor"]): Scheduler =>
  executor === "batch"
    ? roundsScheduler({ ...laddersOf(options), name: NAME })
    : halvingScheduler({ ...laddersOf(options), mode: "synchronous" });

const check = (options: Options, setting: SchedulerSetting): FieldError[] => {
  const faults = checkResource(options.resource);
  const isInRounds = faults.length === 0 && setting.executor === "batch";
  return isInRounds ? checkRounds(NAME, laddersOf(options), setting) : faults;
};

export const sha = {
  name: NAME,
  summary:
    "Synchronous successive halving: when all trials of a rung have come, the best 1/eta of them go on to the next.",
  revision: 1,
  options,
  check,
  create,
} as const satisfies SchedulerKind<Options>;
