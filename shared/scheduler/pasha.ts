import type * as z from "zod";
import { halvingScheduler } from "./halving.ts";
import { checkResource, DEFAULT_ETA, Eta, ladder, oneBracket, Resource } from "./ladder.ts";
import type { Rung } from "./rung-table.ts";
import type { RungPlace, Rungs, Scheduler, SchedulerKind } from "./scheduler.ts";
import { hasFailed, inOrder, type Standing } from "./standing.ts";

/**
 * Progressive asynchronous successive halving (Bohdal et al. 2023): the ladder begins with two rungs and gets another while the
 * two highest ones rank their trials differently. Two trials count as ranked differently when their costs differ by more than the
 * noise, which is learned from pairs whose order changes back and forth.
 */

const options = { resource: Resource, eta: Eta.optional() };

type Options = z.infer<z.ZodObject<typeof options>>;

const create = ({ resource, eta = DEFAULT_ETA }: Options): Scheduler => {
  const levels = ladder(resource.min, resource.max, eta);
  return halvingScheduler({
    unit: resource.name,
    eta,
    mode: "promotion",
    levels,
    brackets: oneBracket(levels),
    topOf: (bracket, rungs) => topFor(levels.length - 1, bracket, rungs),
  });
};

/** The rung at which the ladder ends for now. A rung that trials have come to stays, whatever comes later. */
const topFor = (last: number, bracket: number, rungs: Rungs): number => {
  for (let top = Math.min(1, last); top < last; top++) {
    const isHigher = rungs({ bracket, rung: top + 1 }).entered > 0;
    if (!isHigher && isStable({ bracket, rung: top }, rungs)) return top;
  }
  return last;
};

/** Whether a rung ranks its trials as the one below it did. */
const isStable = ({ bracket, rung }: RungPlace, rungs: Rungs): boolean => {
  const curves = curvesOf(Array.from({ length: rung + 1 }, (_, k) => rungs({ bracket, rung: k })));
  const trials = inOrder(curves.map((curve) => curve[rung]!));
  const earlier = inOrder(curves.map((curve) => curve[rung - 1]!));
  const noise = noiseOf(curves);
  return trials.every(({ trial }, i) => {
    const other = trials.find((each) => each.trial === earlier[i]?.trial);
    return other === undefined || other.trial === trial || gap(trials[i]!, other) <= noise;
  });
};

/** The trials of the topmost of these rungs, each with what it came to at all of them. */
const curvesOf = (rungs: readonly Rung[]): Standing[][] => {
  const byNumber = rungs.map(
    ({ sample }) => new Map(sample.map(({ standing }) => [standing.trial, standing])),
  );
  const top = rungs.at(-1)?.sample.map(({ standing }) => standing.trial) ?? [];
  return top
    .map((trial) => byNumber.flatMap((standings) => standings.get(trial) ?? []))
    .filter((curve) => curve.length === rungs.length && !curve.some(hasFailed));
};

/** How far two trials are apart: in the objective that differs most. */
const gap = (a: Standing, b: Standing): number =>
  Math.max(...a.costs.map((cost, j) => Math.abs(cost - (b.costs[j] ?? Number.NaN))));

/** Of pairs that changed order and back, so many differ by less than the noise. */
const NOISE_QUANTILE = 0.9;

/** The noise of a single objective, from pairs of curves that cross at least twice; 0 while there are none. */
const noiseOf = (curves: readonly (readonly Standing[])[]): number => {
  const gaps = curves
    .flatMap((a, i) => curves.slice(i + 1).map((b) => [a, b] as const))
    .filter(([a, b]) => crossings(a, b) >= 2)
    .map(([a, b]) => gap(a.at(-1)!, b.at(-1)!))
    .sort((a, b) => a - b);
  return gaps[Math.ceil(NOISE_QUANTILE * gaps.length) - 1] ?? 0;
};

const crossings = (a: readonly Standing[], b: readonly Standing[]): number => {
  const signs = a
    .map((standing, k) => Math.sign(standing.costs[0]! - b[k]!.costs[0]!))
    .filter((sign) => sign !== 0);
  return signs.filter((sign, k) => k > 0 && sign !== signs[k - 1]).length;
};

export const pasha = {
  name: "pasha",
  summary:
    "Progressive asynchronous successive halving: trials are paused at each rung, and the ladder grows only while rankings still change.",
  revision: 1,
  options,
  check: ({ resource }) => checkResource(resource),
  create,
} as const satisfies SchedulerKind<Options>;
