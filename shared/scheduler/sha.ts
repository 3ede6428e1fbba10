import * as z from "zod";
import type { FieldError } from "../errors.ts";
import { Name } from "../values.ts";
import type {
  Place,
  Ranking,
  Scheduler,
  SchedulerKind,
  SchedulerSetting,
  Standing,
  TrialEnd,
} from "./scheduler.ts";

/**
 * Synchronous successive halving (Jamieson and Talwalkar 2016): all trials run a little, the best 1/eta of them run eta
 * times as far, and so on. A state machine opens and closes the rungs.
 */

const NAME = "sha";
const DEFAULT_ETA = 3;
const BRACKET = 0;
/** Trials that one execution of the halving machine can run, counted once per rung (infra/machines/halving.ts). */
export const MOST_RUNS = 2400;

const options = {
  resource: z.strictObject({ name: Name, min: z.int().min(1), max: z.int().min(1).max(1_000_000_000) }),
  eta: z.int().min(2).max(16).optional(),
};

type Options = z.infer<z.ZodObject<typeof options>>;

/** Resource per rung, in the study's unit: min, min * eta, ... and max at the top. */
export const ladder = (min: number, max: number, eta: number): number[] => {
  const rungs: number[] = [];
  for (let resource = min; resource < max; resource *= eta) rungs.push(resource);
  return [...rungs, max];
};

/** How many trials of a rung go on to the next one: at least one, so that some trial reaches the top. */
export const promotedCount = (members: number, eta: number): number => Math.max(1, Math.floor(members / eta));

/** Trials that a ladder runs in total, counted once per rung that they reach. */
export const runsOf = (trials: number, rungs: number, eta: number): number => {
  let runs = 0;
  for (let rung = 0, members = trials; rung < rungs; rung++, members = promotedCount(members, eta)) {
    runs += members;
  }
  return runs;
};

/**
 * Ranks a rung: feasible before infeasible, then by cost, then by number, so that the same results always give the same
 * promotions. A trial that failed is never promoted.
 */
export const rank = (standings: readonly Standing[], eta: number): Ranking => {
  const distance = ({ violation }: Standing) =>
    Number.isNaN(violation) ? Number.POSITIVE_INFINITY : violation;
  const sorted = [...standings].sort(
    (a, b) =>
      compare(hasFailed(a) ? 1 : 0, hasFailed(b) ? 1 : 0) ||
      compare(distance(a), distance(b)) ||
      compare(a.costs[0] ?? 0, b.costs[0] ?? 0) ||
      a.trial - b.trial,
  );
  const alive = sorted.filter((standing) => !hasFailed(standing)).length;
  const order = sorted.map((standing) => standing.trial);
  return { order, promoted: order.slice(0, Math.min(alive, promotedCount(standings.length, eta))) };
};

const hasFailed = ({ costs }: Standing) => costs.length === 0 || costs.some(Number.isNaN);

/** Infinities compare as equal where a difference would be NaN. */
const compare = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);

const create = ({ resource, eta = DEFAULT_ETA }: Options): Scheduler => {
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
    rounds: {
      machine: "halving",
      unit: resource.name,
      resources,
      close: (rung, standings) => {
        const ranking = rank(standings, eta);
        return rung === top ? { ...ranking, promoted: [] } : ranking;
      },
    },
    start: () => ({ bracket: BRACKET, rung: 0, resource: resources[0] ?? resource.max }),
    watches: () => null,
    report: () => ({
      decision: "continue",
      reason: { kind: "decided-in-rounds", scheduler: NAME },
      records: null,
    }),
    end,
  };
};

const check = (
  { resource: { min, max }, eta = DEFAULT_ETA }: Options,
  { executor, objectives, trials }: SchedulerSetting,
): FieldError[] => {
  const faults: FieldError[] = [];
  const scheduler = NAME;
  if (min > max)
    faults.push({ pointer: "/scheduler/resource/min", fault: { kind: "min-above-max", min, max } });
  else if (runsOf(trials, ladder(min, max, eta).length, eta) > MOST_RUNS) {
    faults.push({
      pointer: "/budget/trials",
      fault: { kind: "too-many-round-runs", scheduler, most: MOST_RUNS },
    });
  }
  if (executor !== "batch") {
    faults.push({ pointer: "/scheduler/name", fault: { kind: "rounds-need-batch", scheduler } });
  }
  if (objectives > 1) {
    faults.push({ pointer: "/scheduler/name", fault: { kind: "one-objective-only", scheduler } });
  }
  return faults;
};

export const sha = {
  name: NAME,
  summary: "Synchronous successive halving; needs the batch executor.",
  revision: 1,
  options,
  check,
  create,
} as const satisfies SchedulerKind<Options>;
