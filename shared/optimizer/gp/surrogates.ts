import { paretoFront } from "../../numerics/pareto.ts";
import type { Random } from "../../numerics/random.ts";
import type { Hint, History, SeededProblem } from "../algorithm.ts";
import type { Evidence } from "../common/evidence.ts";
import { scalarised } from "../common/scalarise.ts";
import { Acquisition, type Term } from "./acquisition.ts";
import { doAgree } from "./agreement.ts";
import { undominated } from "./boxes.ts";
import { aboveTrend, expectedImprovement, feasibility, hypervolumeImprovement } from "./criteria.ts";
import { chanceOf, fitEarlier, fitTrend } from "./earlier.ts";
import type { Features } from "./features.ts";
import { drawAround, fitMode, thin } from "./fit.ts";
import { type Data, type Priors, pickRows, priorMode, toShape } from "./model.ts";
import { optimumPrior } from "./optimum-prior.ts";
import { Posterior } from "./posterior.ts";
import { relevance, trends } from "./relevance.ts";
import { MOST_OF_ROW, thinSlopes } from "./slopes.ts";

/** Points that a model is fitted to at most: the cost grows with their cube (250: 5 ms per factorisation and inverse). */
export const MOST_POINTS = 250;
/** Values and slopes together that a model is fitted to, at most, where slopes are told. */
const MOST_SLOPED = 300;
/** A slope along a whole axis that is so many times as large as the spread of all results is a mistake, and its squares may overflow. */
const STEEPEST = 1e6;
/** Points on which the mode of the hyperparameters is first searched, and on which draws around it are made. */
const COARSE = 50;
/** Points on which a mode that was found on fewer, or came with a hint, is refined. */
const FINE = 120;
/**
 * Evaluations of the posterior density per start, and from a start that is already good. With fewer of them for a hint of
 * nearly the same trials (8 and 3) an ask took a tenth less time and found less in 100 trials: rank 1.62 against 1.38 on 64
 * studies.
 */
const SEARCH = 20;
const REFINE = 8;
/** Draws of the hyperparameters at most, and points times draws at most. */
const MOST_DRAWS = 8;
const MOST_DRAWN_POINTS = 300;
/** With more hyperparameters than this their Hessian costs too much. */
const MOST_DRAWN = 64;
/**
 * From so many parameters on usually few of them matter, and a fit that starts with all of them at once seldom finds which:
 * another start then has short scales for the few that explain most on their own, their number taken in turn from `FEW`, and
 * there are no warps.
 * Of Hartmann's function in 25 (100) dimensions 0.03 (0.5) of regret were left after 100 trials, not 0.16 (0.9).
 */
export const WIDE = 16;
const FEW = [3, 6, 12] as const;
/** A length scale at which a parameter matters much. */
const SHORT = 0.5;
/** With more objectives an exact hypervolume has too many boxes: random weights are used instead. */
const MOST_EXACT = 3;
/** How far beyond the front's worst values the reference point lies, as a part of the front's extent. */
const MARGIN = 0.1;

/** Priors of the hyperparameters. Source of the first: Hvarfner et al. 2024; the others are broad. */
export const priorsOf = (d: number): Priors => ({
  scaleMean: Math.SQRT2 + Math.log(d) / 2,
  scaleSd: Math.sqrt(3),
  noiseMean: Math.log(1e-4),
  noiseSd: 2,
  warpSd: d < WIDE ? 0.3 : 0,
});

/** What an ask maximises, and what it keeps for the next one. */
export interface Surrogates {
  readonly acquisition: Acquisition;
  /** The name of the acquisition, for `why`. */
  readonly aim: string;
  /** Modes of the hyperparameters, one per model. */
  readonly modes: readonly Float64Array[];
}

export interface SurrogatesInput {
  readonly problem: SeededProblem;
  readonly history: History;
  /** Of at most `MOST_POINTS` trials. */
  readonly evidence: Evidence;
  readonly features: Features;
  /** Trials that have ended, those left out of the evidence included. */
  readonly trials: number;
  /** Room for so many trials whose results are not known: running ones, and those about to be chosen. */
  readonly room: number;
  readonly random: Random;
}

/** Fits one process per objective and per constraint, and says what makes a point worth trying. */
export const fitSurrogates = (input: SurrogatesInput): Surrogates => {
  const { problem, history, evidence, features, trials, room, random } = input;
  const { space, firstNumber, hint, isLate, budget } = problem;
  const d = space.parameters.length;
  const { rows, noise } = evidence;
  const n = rows.length;
  const inputs = new Float64Array(n * features.width);
  for (const [i, row] of rows.entries()) features.write(history.x, row * d, inputs, i * features.width);
  const all: Data = { layout: features, n, features: inputs, targets: new Float64Array(n), noise };
  const told = slopesOf(input, all);
  const priors = told?.slopes === undefined ? priorsOf(d) : { ...priorsOf(d), warpSd: 0 };
  const starts = modesOf(hint, priorMode(features, priors).length);
  const few = d < WIDE ? null : FEW[firstNumber % FEW.length]!;
  const modes: Float64Array[] = [];
  const fitNext = (data: Data, draws: number): Posterior[] => {
    const start = starts[modes.length];
    const { mode, posteriors } = fitOne({
      data,
      priors,
      start,
      few,
      draws,
      room,
      isLate,
      random,
    });
    modes.push(mode);
    return posteriors;
  };

  const constraints = evidence.constraints.map(({ positions, excess }) =>
    fitNext({ ...pickRows(all, positions), targets: excess }, 1),
  );
  const factors = constraints.flatMap((fitted): Term[] =>
    fitted.map((posterior) => ({ posteriors: [posterior], criterion: feasibility })),
  );
  const isOne = evidence.objectives.length === 1;
  const prior = optimumPrior(space, {
    trials,
    budget: budget.trials,
    isOne,
    trends: d < WIDE || !isOne ? null : trendsOf(all, features, evidence, d),
  });
  const finish = (alternatives: Term[], aim: string): Surrogates => ({
    acquisition: new Acquisition(features, alternatives, factors, prior),
    aim: factors.length > 0 && alternatives.length > 0 ? `${aim} within the constraints` : aim,
    modes,
  });
  if (!evidence.isFeasible.some(Boolean)) {
    return finish([], "probability of feasibility");
  }
  if (isOne || evidence.objectives.length > MOST_EXACT) {
    const data = told?.slopes ? told : { ...all, targets: scalarised(evidence.objectives, random) };
    const draws = Math.min(MOST_DRAWS, Math.max(1, Math.floor(MOST_DRAWN_POINTS / sizeOf(data))));
    const alone = fitNext(data, draws).map(
      (posterior): Term => ({
        posteriors: [posterior],
        criterion: expectedImprovement(leastFitted(posterior, evidence)),
      }),
    );
    if (told !== null) {
      const of = told.slopes ? "from gradients too" : "without gradients, which do not fit the results";
      return finish(alone, `expected improvement, ${of}`);
    }
    if (!isOne || problem.earlier === undefined) return finish(alone, "expected improvement");
    const aloneMode = modes.at(-1)!;
    const models = fitEarlier(problem.earlier, features, priors, {
      starts: starts.slice(modes.length + 1),
      room,
      isLate,
    });
    const trend = fitTrend(models, data);
    const rest =
      trend === null ? data : { ...data, targets: data.targets.map((v, i) => v - trend.values[i]!) };
    const above = trend === null ? [] : fitNext(rest, draws);
    const chance =
      trend === null ? 0 : chanceOf(trend, { rest, mode: modes.at(-1)!, data, alone: aloneMode, priors });
    if (trend === null) modes.push(aloneMode);
    modes.push(...models.map(({ mode }) => mode));
    const share = Math.round(chance * draws);
    const alternatives = [
      ...above.slice(0, share).map(
        (posterior): Term => ({
          posteriors: [posterior, ...(trend?.models ?? []).map((model) => model.posterior)],
          criterion: aboveTrend(
            expectedImprovement(leastFitted(posterior, evidence, trend?.values)),
            trend?.factors ?? [],
          ),
        }),
      ),
      ...alone.slice(0, draws - share),
    ];
    return share === 0
      ? finish(alone, "expected improvement")
      : finish(alternatives, "expected improvement, from earlier studies too");
  }
  const fitted = evidence.objectives.flatMap((targets) => fitNext({ ...all, targets }, 1).slice(0, 1));
  const front = frontOf(fitted, evidence);
  const criterion = hypervolumeImprovement(undominated(front, referenceOf(front)));
  const term = { posteriors: fitted, criterion };
  return finish([term], "expected hypervolume improvement");
};

/**
 * The only objective with its told derivatives, or without them where they do not agree with its results.
 * @param all its rows, without targets.
 * @returns null when none are told, there are several objectives, or so many parameters that those of one trial are too many.
 */
const slopesOf = ({ problem, history, evidence, features }: SurrogatesInput, all: Data): Data | null => {
  const { gradient } = history;
  const [perResult, ...others] = evidence.slopes;
  if (gradient === undefined || perResult === undefined || others.length > 0) return null;
  const d = problem.space.parameters.length;
  const known = evidence.rows.flatMap((row, i) =>
    Array.from({ length: features.numeric }, (_, axis) => {
      const byCoordinate = gradient[row * d + features.parameterOf[axis]!]! * perResult[i]!;
      return { row: i, axis, value: byCoordinate / features.perCoordinate[axis]! };
    }).filter(({ value }) => Math.abs(value) < STEEPEST),
  );
  if (known.length === 0) return null;
  const slopes = {
    count: known.length,
    rows: Int32Array.from(known, ({ row }) => row),
    axes: Int32Array.from(known, ({ axis }) => axis),
    values: Float64Array.from(known, ({ value }) => value),
  };
  const data = { ...all, targets: evidence.objectives[0]! };
  if (!doAgree(data, slopes)) return data;
  const order = evidence.rows.map((_, i) => i).sort((a, b) => data.targets[a]! - data.targets[b]!);
  const most = Math.max(Math.min(features.numeric, MOST_OF_ROW), MOST_SLOPED - all.n);
  const thinned = thinSlopes(slopes, order, most);
  return thinned.count === 0 ? null : { ...data, slopes: thinned };
};

const sizeOf = ({ n, slopes }: Data): number => n + (slopes?.count ?? 0);

export interface Fit {
  readonly data: Data;
  readonly priors: Priors;
  /** The mode of an earlier ask: then only a few steps are taken from it, if there are many data. */
  readonly start: Float64Array | undefined;
  /** Whether that ask had nearly the same data, so that its mode is taken as it is; false by default. */
  readonly isKept?: boolean;
  /** In a wide space: how many parameters matter, according to another start. */
  readonly few: number | null;
  /** Draws of the hyperparameters. */
  readonly draws: number;
  readonly room: number;
  readonly isLate: () => boolean;
  readonly random: Random;
}

/** The mode of the hyperparameters, and posteriors of draws around it. */
export const fitOne = (fit: Fit): { mode: Float64Array; posteriors: Posterior[] } => {
  const { data, priors, start, isKept = false, few, draws, room, isLate, random } = fit;
  const { layout } = data;
  const n = sizeOf(data);
  const coarse = n > COARSE ? thin(data, COARSE) : data;
  const plain = priorMode(layout, priors);
  const short = Float64Array.from(plain).fill(Math.log(SHORT), 0, layout.width);
  const posteriorOf = (theta: Float64Array, data: Data): Posterior[] => {
    const posterior = Posterior.of(data, toShape(layout, theta), room);
    return posterior === null ? [] : [posterior];
  };
  let mode = start ?? plain;
  if (!isLate() && !(isKept && start !== undefined)) {
    // With few data, a search from the same starts each time finds more than one that continues from the last mode.
    const known = n <= COARSE && few === null ? undefined : start;
    const starts = [known ?? short];
    if (known === undefined || n <= COARSE) starts.push(plain);
    if (few !== null) starts.push(sparseStart(data, plain, few));
    if (starts.length > 1) mode = fitMode(coarse, priors, starts, SEARCH).x;
    if (n > COARSE && !isLate()) {
      mode = fitMode(n > FINE ? thin(data, FINE) : data, priors, [mode], REFINE).x;
    }
  }
  const isExpensive = mode.length > MOST_DRAWN || isLate();
  const thetas = drawAround(coarse, priors, mode, isExpensive ? 1 : draws, random);
  const posteriors = thetas.flatMap((theta) => posteriorOf(theta, data));
  if (posteriors.length > 0) return { mode, posteriors };
  // With data that agree to the last digit only the prior's length scales may work.
  const noisier = { ...data, noise: data.noise.map((v) => v * 1e3) };
  return { mode: plain, posteriors: posteriorOf(plain, noisier) };
};

/** Per parameter how clearly results become better towards its high end. */
const trendsOf = (data: Data, features: Features, { objectives }: Evidence, d: number): Float64Array => {
  const perFeature = trends({ ...data, targets: objectives[0]! });
  const perParameter = new Float64Array(d);
  for (const [j, trend] of perFeature.entries()) perParameter[features.parameterOf[j]!] = trend;
  return perParameter;
};

/** The prior's mode, except for short scales of the features that explain most of the targets on their own. */
const sparseStart = (data: Data, plain: Float64Array, count: number): Float64Array => {
  const scores = relevance(data);
  const order = Array.from(scores, (_, j) => j).sort((a, b) => scores[b]! - scores[a]!);
  const start = Float64Array.from(plain);
  for (const j of order.slice(0, count)) start[j] = Math.log(SHORT);
  return start;
};

/** The least posterior mean at a feasible trial. @param trend what is added to the posterior's mean at each trial. */
const leastFitted = (posterior: Posterior, { isFeasible }: Evidence, trend?: Float64Array): number =>
  posterior
    .fitted()
    .reduce((best, value, i) => (isFeasible[i] ? Math.min(best, value + (trend?.[i] ?? 0)) : best), Infinity);

/** The non-dominated posterior means of feasible trials. */
const frontOf = (posteriors: readonly Posterior[], { isFeasible }: Evidence): Float64Array[] => {
  const values = posteriors.map((posterior) => posterior.fitted());
  const m = values.length;
  const points = isFeasible.flatMap((is, i) => (is ? values.map((column) => column[i]!) : []));
  return paretoFront(Float64Array.from(points), m).map((i) =>
    Float64Array.from({ length: m }, (_, j) => points[i * m + j]!),
  );
};

const referenceOf = (front: readonly Float64Array[]): Float64Array =>
  front[0]!.map((_, j) => {
    const column = front.map((y) => y[j]!);
    const high = Math.max(...column);
    return high + Math.max(MARGIN * (high - Math.min(...column)), 0.05);
  });

/** The modes that a hint carries; none when it does not fit the space. */
const modesOf = (hint: Hint | null, length: number): Float64Array[] => {
  if (hint === null || hint.values.length % length !== 0 || !hint.values.every(Number.isFinite)) return [];
  return Array.from({ length: hint.values.length / length }, (_, i) =>
    Float64Array.from(hint.values.slice(i * length, (i + 1) * length)),
  );
};
