import type { EarlierResults } from "../algorithm.ts";
import { yeoJohnson } from "../common/output-warp.ts";
import { keepBest } from "../common/thin.ts";
import type { Features } from "./features.ts";
import { fitMode } from "./fit.ts";
import { type Data, negativeLogPosterior, type Priors, priorMode, toShape } from "./model.ts";
import { Posterior } from "./posterior.ts";

/**
 * What earlier studies say about the objective: per study a process of its own, fitted once to a sample of its results. Their
 * means, each with a factor that this study's results determine, are a trend that its own process starts from; so a study
 * that turns out unrelated gets no weight, and one's own results decide wherever there are any. Sources of the parts: processes
 * per study as in Feurer et al. 2018 ("RGPE"); a trend of earlier studies under a process of residuals as in Golovin et al.
 * 2017 ("Vizier", section 3.3).
 */

/** Results of all earlier studies together that their models are fitted to, and of each at most and at least. */
const MOST_RESULTS = 240;
const MOST_OF_ONE = 80;
const LEAST_OF_ONE = 24;
/** A model is fitted to so many results at least. */
const FEWEST = 3;
/** Evaluations of the posterior density in a fit of one earlier study. */
const SEARCH = 20;
/** So long that nothing depends on the feature. */
const FLAT = Math.log(1e4);

/** The model of one earlier study. */
export interface EarlierModel {
  readonly posterior: Posterior;
  /** The hyperparameters, for the hint. */
  readonly mode: Float64Array;
}

/** How the models are fitted. */
interface EarlierFit {
  /** Modes from a hint, one per study: then there is nothing left to search for. */
  readonly starts: readonly Float64Array[];
  readonly room: number;
  readonly isLate: () => boolean;
}

/** Fits the models of earlier studies with one objective; none of those with too few results, or when time is up. */
export const fitEarlier = (
  earlier: readonly EarlierResults[],
  features: Features,
  priors: Priors,
  { starts, room, isLate }: EarlierFit,
): EarlierModel[] => {
  const most = Math.min(MOST_OF_ONE, Math.max(LEAST_OF_ONE, Math.floor(MOST_RESULTS / earlier.length)));
  const models: EarlierModel[] = [];
  for (const [i, results] of earlier.filter(({ n }) => n >= FEWEST).entries()) {
    if (isLate()) break;
    const data = dataOf(results, features, most);
    const mode = starts[i] ?? fitMode(data, priors, [priorMode(features, priors)], SEARCH).x;
    const posterior = Posterior.of(data, toShape(features, flattened(mode, results, features)), room);
    if (posterior === null) break;
    models.push({ posterior, mode });
  }
  return models;
};

const dataOf = ({ n, x, y }: EarlierResults, features: Features, most: number): Data => {
  const d = x.length / n;
  const rows = keepBest(
    Array.from({ length: n }, (_, row) => row),
    most,
    "middle",
  );
  const { width } = features;
  const inputs = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries()) features.write(x, row * d, inputs, i * width);
  return {
    layout: features,
    n: rows.length,
    features: inputs,
    targets: yeoJohnson(Float64Array.from(rows, (row) => y[row]!)).targets,
    noise: new Float64Array(rows.length).fill(1),
  };
};

/** Hyperparameters under which nothing depends on parameters that the earlier study did not have. */
const flattened = (
  mode: Float64Array,
  { unknown }: EarlierResults,
  { width, ownerOf }: Features,
): Float64Array => {
  const flat = Float64Array.from(mode);
  for (let j = 0; j < width; j++) if (unknown[ownerOf[j]!] === 1) flat[j] = FLAT;
  return flat;
};

/** A trend: a weighted sum of the means of earlier models. */
export interface Trend {
  readonly models: readonly EarlierModel[];
  /** One per model, above 0. */
  readonly factors: readonly number[];
  /** Its values at the data. */
  readonly values: Float64Array;
}

/** What the factors are pulled towards, divided by the number of models, and how strongly: as by so many results. */
const EXPECTED = 1;
const PULL = 1;
/** Means that differ by less among the data, in standard deviations of the earlier study's targets, are not stretched further. */
const LEAST_SPREAD = 0.25;
const SWEEPS = 50;

/**
 * The trend that explains the targets best: non-negative least squares with a pull, on means that are scaled to vary as much
 * among the data as the targets do. An earlier study that says the contrary is not believed.
 * @returns null when no model helps.
 */
export const fitTrend = (models: readonly EarlierModel[], { features, targets, n }: Data): Trend | null => {
  const columns = models.map(({ posterior }) => posterior.predict(features, n).mean);
  const spreads = columns.map((column) => Math.max(LEAST_SPREAD, deviation(column)));
  const centred = columns.map((column, k) => centre(column).map((v) => v / spreads[k]!));
  const expected = EXPECTED / models.length;
  const factors = models.map(() => expected);
  const left = centre(targets);
  for (const [k, column] of centred.entries())
    for (let i = 0; i < n; i++) left[i]! -= factors[k]! * column[i]!;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const [k, column] of centred.entries()) {
      const before = factors[k]!;
      let above = PULL * expected;
      let below = PULL;
      for (let i = 0; i < n; i++) {
        above += column[i]! * (left[i]! + before * column[i]!);
        below += column[i]! * column[i]!;
      }
      const after = Math.max(0, above / below);
      for (let i = 0; i < n; i++) left[i]! += (before - after) * column[i]!;
      factors[k] = after;
    }
  }
  const used = models.map((_, k) => k).filter((k) => factors[k]! > 1e-3);
  if (used.length === 0) return null;
  const values = new Float64Array(n);
  for (const k of used) {
    for (let i = 0; i < n; i++) values[i]! += (factors[k]! / spreads[k]!) * columns[k]![i]!;
  }
  return {
    models: used.map((k) => models[k]!),
    factors: used.map((k) => factors[k]! / spreads[k]!),
    values,
  };
};

const meanOf = (values: Float64Array) => values.reduce((sum, v) => sum + v, 0) / values.length;
const centre = (values: Float64Array): Float64Array => {
  const mean = meanOf(values);
  return values.map((v) => v - mean);
};
const deviation = (values: Float64Array): number =>
  Math.sqrt(centre(values).reduce((sum, v) => sum + v * v, 0) / values.length);

/** The two processes that the data may come from: one of what the trend leaves, one of the targets alone. */
interface Rivals {
  readonly rest: Data;
  readonly mode: Float64Array;
  readonly data: Data;
  readonly alone: Float64Array;
  readonly priors: Priors;
}

/**
 * How likely it is that the trend belongs to the objective: by the densities of the data under both processes, where each factor of
 * the trend counts as a number that was fitted (Schwarz's criterion).
 */
export const chanceOf = ({ factors }: Trend, { rest, mode, data, alone, priors }: Rivals): number => {
  const gradient = new Float64Array(mode.length);
  const penalty = (factors.length * Math.log(data.n)) / 2;
  const above = negativeLogPosterior(rest, priors)(mode, gradient) + penalty;
  const plain = negativeLogPosterior(data, priors)(alone, gradient);
  return 1 / (1 + Math.exp(above - plain));
};
