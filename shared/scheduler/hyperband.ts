import * as z from "zod";
import type { FieldError } from "../errors.ts";
import { halvingScheduler } from "./halving.ts";
import { type Brackets, checkResource, DEFAULT_ETA, Eta, ladder, Resource } from "./ladder.ts";
import { checkRounds, roundsScheduler } from "./rounds.ts";
import type { Scheduler, SchedulerKind, SchedulerSetting } from "./scheduler.ts";

/**
 * Hyperband (Li et al. 2018): ladders of different aggressiveness, because nobody knows how soon a curve tells. The first bracket
 * begins at the lowest rung with many trials, the last one runs a few to the end.
 */

const options = {
  resource: Resource,
  eta: Eta.optional(),
  type: z.enum(["stopping", "promotion", "synchronous"]).optional().meta({
    description:
      "As `type` of `asha`; `synchronous`: the brackets follow each other, and a rung is decided when all its trials have come.",
  }),
};

type Options = z.infer<z.ZodObject<typeof options>>;

/**
 * Trials that begin in a bracket of one pass.
 * @param skipped rungs at the bottom that the bracket leaves out.
 * @param highest the top rung of the full ladder.
 */
export const bracketSize = (skipped: number, highest: number, eta: number): number => {
  const rungs = highest - skipped;
  return Math.ceil(((highest + 1) / (rungs + 1)) * eta ** rungs);
};

/** Passes in which brackets may be open: a trial that outlives more of them no longer goes on. */
const PASSES = 3;

/** Brackets one after the other, again and again; each is full before the next one begins. */
const inTurn = (levels: readonly number[], sizes: readonly number[]): Brackets => {
  const pass = sizes.reduce((sum, size) => sum + size, 0);
  const begins = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const of = (ordinal: number): number => {
    const within = ordinal % pass;
    return Math.floor(ordinal / pass) * sizes.length + begins.findLastIndex((begin) => begin <= within);
  };
  const count = (trials: number) => (trials === 0 ? 0 : of(trials - 1) + 1);
  return {
    of,
    resources: (bracket) => levels.slice(bracket % sizes.length),
    count,
    first: (trials) => Math.max(0, count(trials) - PASSES * sizes.length),
    range: (bracket) => {
      const from = Math.floor(bracket / sizes.length) * pass + begins[bracket % sizes.length]!;
      return [from, from + sizes[bracket % sizes.length]!];
    },
  };
};

/** The golden ratio's fraction: its multiples fill [0, 1) evenly. */
const GOLDEN = 0.6180339887498949;

/** All brackets side by side, each with its share of the trials at any time. */
const sideBySide = (levels: readonly number[], sizes: readonly number[]): Brackets => {
  const pass = sizes.reduce((sum, size) => sum + size, 0);
  return {
    of: (ordinal) => {
      let rest = ((0.5 + ordinal * GOLDEN) % 1) * pass;
      const bracket = sizes.findIndex((size) => {
        rest -= size;
        return rest < 0;
      });
      return Math.max(0, bracket);
    },
    resources: (bracket) => levels.slice(bracket),
    count: () => sizes.length,
    first: () => 0,
    range: () => [0, Number.POSITIVE_INFINITY],
  };
};

const NAME = "hyperband";
const DEFAULT_TYPE = "stopping";

const laddersOf = ({ resource, eta = DEFAULT_ETA, type = DEFAULT_TYPE }: Options) => {
  const levels = ladder(resource.min, resource.max, eta);
  const sizes = levels.map((_, skipped) => bracketSize(skipped, levels.length - 1, eta));
  const brackets = type === "synchronous" ? inTurn(levels, sizes) : sideBySide(levels, sizes);
  return { unit: resource.name, eta, levels, brackets };
};

const isInRounds = ({ type }: Options, executor: SchedulerSetting["executor"]): boolean =>
  type === "synchronous" && executor === "batch";

const create = (options: Options, executor: SchedulerSetting["executor"]): Scheduler =>
  isInRounds(options, executor)
    ? roundsScheduler({ ...laddersOf(options), name: NAME })
    : halvingScheduler({ ...laddersOf(options), mode: options.type ?? DEFAULT_TYPE });

const check = (options: Options, setting: SchedulerSetting): FieldError[] => {
  const faults = checkResource(options.resource);
  const isToCheck = faults.length === 0 && isInRounds(options, setting.executor);
  return isToCheck ? checkRounds(NAME, laddersOf(options), setting) : faults;
};

export const hyperband = {
  name: NAME,
  summary: "Hyperband: successive halving on ladders that begin at different rungs.",
  revision: 1,
  options,
  check,
  create,
} as const satisfies SchedulerKind<Options>;
