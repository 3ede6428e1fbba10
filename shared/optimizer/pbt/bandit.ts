import type { Random } from "../../numerics/random.ts";
import { type History, type SeededProblem, TrialKind } from "../algorithm.ts";
import { globalCandidates } from "../common/candidates.ts";
import { countEnded } from "../common/rows.ts";
import { withStep } from "../freeze-thaw/step-features.ts";
import { featuresOf } from "../gp/features.ts";
import { fitOne, priorsOf } from "../gp/surrogates.ts";
import { type Options, type Settings, segmentsOf } from "./options.ts";
import { keeps, perturbed } from "./perturb.ts";
import { generationOf, isCommitted } from "./population.ts";

/**
 * Settings by a bandit: a Gaussian process over settings and time learns what segments gained on the ones they began from, and the
 * settings with the lowest confidence bound of the next segment's change are chosen; those that run count as known. Source:
 * Parker-Holder et al. 2020, "Provably Efficient Online Hyperparameter Optimization with Population-Based Bandits" (PB2).
 */
export interface Bandit {
  /** Settings for a segment that goes on from a parent. */
  choose(parent: Float64Array, generation: number): Float64Array;
}

/** The latest segments that the model is fitted to. */
const MOST = 200;
/** Gains that it needs; until then settings are perturbed. */
const FEWEST = 4;
const NEAR = 48;
const FAR = 48;
/** Standard deviations that the bound is below the mean. */
const OPTIMISM = 1;

/** @returns null while too little is known. */
export const fitBandit = (
  problem: SeededProblem<Options>,
  history: History,
  settings: Settings,
  random: Random,
): Bandit | null => {
  const { space, isLate } = problem;
  const d = space.parameters.length;
  const { length, end } = segmentsOf(problem);
  const gains = gainsOf(history).slice(-MOST);
  const features = withStep(featuresOf(space));
  if (gains.length < FEWEST || features.width < 2) return null;
  const { width } = features;
  const time = (generation: number) => (generation * length) / end;
  const inputs = new Float64Array(gains.length * width);
  for (const [i, { row }] of gains.entries()) {
    features.writeAt(time(generationOf(history, row)), history.x, row * d, inputs, i * width);
  }
  const room = history.n - countEnded(history) + problem.budget.parallel;
  const data = {
    layout: features,
    n: gains.length,
    features: inputs,
    targets: standardised(gains.map(({ change }) => change)),
    noise: new Float64Array(gains.length).fill(1),
  };
  const fit = { data, priors: priorsOf(d + 1), start: undefined, few: null, draws: 1, room };
  const [posterior] = fitOne({ ...fit, isLate, random }).posteriors;
  if (posterior === undefined) return null;
  const point = new Float64Array(width);
  let left = room;
  const take = (x: ArrayLike<number>, from: number, generation: number) => {
    if (left === 0) return;
    left--;
    features.writeAt(time(generation), x, from, point, 0);
    posterior.add(point, []);
  };
  for (let row = 0; row < history.n; row++) {
    if (history.kind[row] === TrialKind.running) take(history.x, row * d, generationOf(history, row));
  }
  return {
    choose: (parent, generation) => {
      const candidates = [
        ...Array.from({ length: NEAR }, () => perturbed(space, parent, settings, random)),
        ...globalCandidates(space, FAR, random).filter((x) => keeps(space, x, parent, settings.keep)),
      ];
      const rows = new Float64Array(candidates.length * width);
      for (const [i, x] of candidates.entries()) {
        features.writeAt(time(generation), x, 0, rows, i * width);
      }
      const { mean, variance } = posterior.predict(rows, candidates.length);
      const bounds = mean.map((value, i) => value - OPTIMISM * Math.sqrt(variance[i]!));
      const best = candidates[bounds.indexOf(Math.min(...bounds))] ?? parent;
      take(best, 0, generation);
      return best;
    },
  };
};

interface Gain {
  readonly row: number;
  /** By how much its value is above its parent's: lower is better. */
  readonly change: number;
}

/** What committed segments changed. */
const gainsOf = (history: History): Gain[] => {
  const rowOf = new Map(Array.from(history.number, (number, row) => [number, row]));
  const gains: Gain[] = [];
  for (let row = 0; row < history.n; row++) {
    const parent = rowOf.get(history.parent?.[row] ?? -1);
    if (parent === undefined || !isCommitted(history, row)) continue;
    const change = history.y[row]! - history.y[parent]!;
    if (Number.isFinite(change)) gains.push({ row, change });
  }
  return gains;
};

/** A single segment that collapsed must not make all others look alike. */
const WIDEST = 3;

const standardised = (values: readonly number[]): Float64Array => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  return Float64Array.from(values, (value) => Math.min(WIDEST, Math.max(-WIDEST, (value - mean) / sd)));
};
