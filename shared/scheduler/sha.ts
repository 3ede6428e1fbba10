import type * as z from "zod";
import type { FieldError } from "../errors.ts";
import { halvingScheduler } from "./halving.ts";
import { checkResource, DEFAULT_ETA, Eta, ladder, oneBracket, promotedOf, Resource } from "./ladder.ts";
import { unscheduled } from "./none.ts";
import type { Place, Ranking, Scheduler, SchedulerKind, SchedulerSetting, TrialEnd } from "./scheduler.ts";
import { hasFailed, inOrder, type Standing } from "./standing.ts";

/**
 * Synchronous successive halving (Jamieson and Talwalkar 2016): all trials run a little, the best 1/eta of them run eta
 * times as far, and so on. In a batch study a state machine opens and closes the rungs; in a client study the asks do.
 */

const NAME = "sha";
const BRACKET = 0;
/** Trials that one execution of the halving machine can run, counted once per rung (infra/machines/halving.ts). */
export const MOST_RUNS = 2400;

const options = { resource: Resource, eta: Eta.optional() };

type Options = z.infer<z.ZodObject<typeof options>>;

/** Trials that a ladder runs in total, counted once per rung that they reach. */
export const runsOf = (trials: number, rungs: number, eta: number): number => {
  let runs = 0;
  for (let rung = 0, members = trials; rung < rungs; rung++, members = promotedOf(members, eta)) {
    runs += members;
  }
  return runs;
};

/** Ranks a complete rung (`inOrder`). A trial that failed is never promoted. */
export const rank = (standings: readonly Standing[], eta: number): Ranking => {
  const sorted = inOrder(standings);
  const alive = sorted.filter((standing) => !hasFailed(standing)).length;
  const order = sorted.map(({ trial }) => trial);
  return { order, promoted: order.slice(0, Math.min(alive, promotedOf(standings.length, eta))) };
};

const create = (options: Options, executor: SchedulerSetting["executor"]): Scheduler =>
  executor === "batch" ? inRounds(options) : byAsks(options);

const byAsks = ({ resource, eta = DEFAULT_ETA }: Options): Scheduler => {
  const levels = ladder(resource.min, resource.max, eta);
  return halvingScheduler({
    unit: resource.name,
    eta,
    mode: "synchronous",
    levels,
    brackets: oneBracket(levels),
  });
};

const inRounds = ({ resource, eta = DEFAULT_ETA }: Options): Scheduler => {
  const resources = ladder(resource.min, resource.max, eta);
  const top = resources.length - 1;
  const end = (place: Place | null): TrialEnd => {
    if (place === null || place.rung === top) return { state: "completed", reason: null, records: place };
    const { rung } = place;
    return {
      state: "paused",
      reason: { kind: "rung-incomplete", rung, unit: resource.name, resource: place.resource },
      records: place,
    };
  };
  return {
    ...unscheduled,
    rounds: {
      machine: "halving",
      unit: resource.name,
      resources,
      close: (rung, standings) => {
        const ranking = rank(standings, eta);
        return rung === top ? { ...ranking, promoted: [] } : ranking;
      },
    },
    levels: resources,
    eta,
    start: () => ({ bracket: BRACKET, rung: 0, resource: resources[0] ?? resource.max }),
    report: () => ({
      decision: "continue",
      reason: { kind: "decided-in-rounds", scheduler: NAME },
      records: null,
    }),
    end,
  };
};

const check = (
  { resource, eta = DEFAULT_ETA }: Options,
  { executor, trials }: SchedulerSetting,
): FieldError[] => {
  const faults = checkResource(resource);
  const isTooMuch = () => runsOf(trials, ladder(resource.min, resource.max, eta).length, eta) > MOST_RUNS;
  if (faults.length === 0 && executor === "batch" && isTooMuch()) {
    faults.push({
      pointer: "/budget/trials",
      fault: { kind: "too-many-round-runs", scheduler: NAME, most: MOST_RUNS },
    });
  }
  return faults;
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
