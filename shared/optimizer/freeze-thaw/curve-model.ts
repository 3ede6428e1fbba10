import { factorise } from "../../numerics/cholesky.ts";
import type { Random } from "../../numerics/random.ts";
import type { Space } from "../../space/space.ts";
import type { History, Levels } from "../algorithm.ts";
import { Acquisition } from "../gp/acquisition.ts";
import { expectedImprovement } from "../gp/criteria.ts";
import { featuresOf } from "../gp/features.ts";
import { priorMode } from "../gp/model.ts";
import { fitOne, priorsOf } from "../gp/surrogates.ts";
import type { Observations } from "./observations.ts";
import type { Curve } from "./rate.ts";
import { withStep } from "./step-features.ts";

/** One Gaussian process over configuration and step, which says what each curve may still come to. */
export interface CurveModel {
  /** The mode of the hyperparameters, a start for the next fit. */
  readonly mode: Float64Array;
  /** The least result so far. */
  readonly best: number;
  /** What a gain of 1 is, as a part of the distance between the best result and the median trial. */
  readonly share: number;
  /** Expected improvement at the end, of configurations. */
  readonly acquisition: Acquisition;
  /** Predictions of what configurations end at. */
  ends(xs: readonly ArrayLike<number>[]): { readonly mean: Float64Array; readonly sd: Float64Array };
  /** What a configuration may still come to. @param level the last one with a result; -1 before the first. */
  curve(x: ArrayLike<number>, level: number): Curve;
  /**
   * Takes the end of a curve as about to be known. With the running trial's next level only, which tells little at first, workers that
   * ask at the same time would all begin next to each other.
   */
  add(x: Float64Array): void;
}

export interface CurveModelInput {
  readonly space: Space;
  readonly history: History;
  readonly levels: Levels;
  readonly observations: Observations;
  /** The mode of an earlier fit to nearly the same results, which is taken as it is; null: the process is fitted. */
  readonly known: readonly number[] | null;
  /** Results that may be added. */
  readonly room: number;
  readonly isLate: () => boolean;
  readonly random: Random;
}

/** What a trial takes to come from one level to the next, as a part of a full run. @param level the next one; 0 is the first. */
export const costOf = ({ resources }: Levels, level: number): number =>
  (resources[level]! - (resources[level - 1] ?? 0)) / resources.at(-1)!;

/** Draws of the hyperparameters that the search for configurations averages over. */
const DRAWS = 2;
/** A part of the variance that two predictions of the same number differ by. */
const JITTER = 1e-9;

/** @returns null where there is nothing to model. */
export const fitCurves = (input: CurveModelInput): CurveModel | null => {
  const { space, history, levels, observations, known, room, isLate, random } = input;
  const { list, excess, least, share } = observations;
  const d = space.parameters.length;
  const top = levels.resources.length - 1;
  const features = withStep(featuresOf(space));
  const { width } = features;
  const stepAt = (level: number) => level / top;
  if (width < 2 || top < 1) return null;

  const inputs = new Float64Array(list.length * width);
  for (const [i, { row, level }] of list.entries()) {
    features.writeAt(stepAt(level), history.x, row * d, inputs, i * width);
  }
  const values = Float64Array.from(list, ({ value, level }) => value - excess[level]!);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  const targetOf = (value: number) => (value - mean) / sd;
  const noise = new Float64Array(list.length).fill(1);
  const data = {
    layout: features,
    n: list.length,
    features: inputs,
    targets: values.map(targetOf),
    noise,
  };
  const priors = priorsOf(d + 1);
  const isKnown = known?.length === priorMode(features, priors).length && known.every(Number.isFinite);
  const { mode, posteriors } = fitOne({
    ...{ data, priors, few: null, draws: DRAWS, room, isLate, random },
    start: isKnown ? Float64Array.from(known) : undefined,
    isKept: isKnown,
  });
  const [first] = posteriors;
  if (first === undefined) return null;
  const best = targetOf(least);

  const curve = (x: ArrayLike<number>, level: number): Curve => {
    const left = top - level;
    const rows = new Float64Array(left * width);
    for (let i = 0; i < left; i++) features.writeAt(stepAt(level + 1 + i), x, 0, rows, i * width);
    const predictions = first.predict(rows, left);
    const covariance = first.covariance(predictions);
    for (let i = 0; i < left; i++) covariance[i * left + i]! += JITTER * first.signal;
    // The last row of the factor: what each result in turn adds to what is known of the end.
    const isPositive = factorise(covariance, left);
    const steps = covariance.slice((left - 1) * left).map((v) => (isPositive ? Math.abs(v) : 0));
    const costs = Float64Array.from({ length: left }, (_, i) => costOf(levels, level + 1 + i));
    return { mean: predictions.mean[left - 1]!, steps, costs };
  };
  const ends = (xs: readonly ArrayLike<number>[]) => {
    const rows = new Float64Array(xs.length * width);
    for (const [i, x] of xs.entries()) features.write(x, 0, rows, i * width);
    const { mean, variance } = first.predict(rows, xs.length);
    return { mean, sd: variance.map(Math.sqrt) };
  };
  const terms = posteriors.map((posterior) => ({
    posteriors: [posterior],
    criterion: expectedImprovement(best),
  }));
  const acquisition = new Acquisition(features, terms, [], null);
  return {
    mode,
    best,
    share: sd * share,
    acquisition,
    ends,
    curve,
    add: (x) => acquisition.add(x),
  };
};
