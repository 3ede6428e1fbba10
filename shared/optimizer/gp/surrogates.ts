import type { Random } from "../../numerics/random.ts";
import type { Hint, History, SeededProblem } from "../algorithm.ts";
import type { Evidence } from "../evidence.ts";
import { scalarised } from "../scalarise.ts";
import { Acquisition, type Term } from "./acquisition.ts";
import { undominated } from "./boxes.ts";
import { expectedImprovement, feasibility, hypervolumeImprovement } from "./criteria.ts";
import type { Features } from "./features.ts";
import { drawAround, fitMode, thin } from "./fit.ts";
import { type Data, type Priors, priorMode, toShape } from "./model.ts";
import { optimumPrior } from "./optimum-prior.ts";
import { Posterior } from "./posterior.ts";

/** Points that one ask affords: the cost grows with their cube (250: 5 ms a factorisation and its inverse). */
export const MOST_POINTS = 250;
/** Points on which hyperparameters are first searched; their density around the mode is looked at on as many. */
const COARSE = 50;
/** Points on which a mode that was found on fewer, or came with a hint, is refined. */
const FINE = 120;
/** Evaluations of the posterior density a start, and once there is a good start. */
const SEARCH = 20;
const REFINE = 8;
/** Draws of the hyperparameters at most, and how many points times draws are afforded. */
const MOST_DRAWS = 8;
const AFFORDED = 300;
/** With more hyperparameters than this their Hessian costs too much. */
const MOST_DRAWN = 64;
/** With more objectives the boxes of an exact hypervolume are too many: random weights take their place. */
const MOST_EXACT = 3;
/** How far beyond the front's worst values the reference point lies, as a part of the front's extent. */
const MARGIN = 0.1;

/** Priors of the hyperparameters. Source of the first: Hvarfner et al. 2024; the others are broad. */
const priorsOf = (d: number): Priors => ({
  scaleMean: Math.SQRT2 + Math.log(d) / 2,
  scaleSd: Math.sqrt(3),
  noiseMean: Math.log(1e-4),
  noiseSd: 2,
  warpSd: 0.3,
});

/** What an ask looks for, and what it leaves for the next one. */
export interface Surrogates {
  readonly acquisition: Acquisition;
  /** What the acquisition is, in words. */
  readonly aim: string;
  /** Modes of the hyperparameters, one model after the other. */
  readonly modes: readonly Float64Array[];
}

/** Fits a process an objective and a constraint, and says what makes a point worth trying. */
export const fitSurrogates = (
  problem: SeededProblem,
  history: History,
  evidence: Evidence,
  features: Features,
  count: number,
  random: Random,
): Surrogates => {
  const { space, hint, isLate, budget } = problem;
  const d = space.parameters.length;
  const { rows, noise } = evidence;
  const n = rows.length;
  const inputs = new Float64Array(n * features.width);
  for (const [i, row] of rows.entries()) features.write(history.x, row * d, inputs, i * features.width);
  const all: Data = { layout: features, n, features: inputs, targets: new Float64Array(n), noise };
  const room = count + history.n - n;
  const starts = modesOf(hint, features);
  const modes: Float64Array[] = [];
  const fitNext = (data: Data, draws: number): Fitted[] => {
    const { mode, fitted } = fitOne(data, priorsOf(d), starts[modes.length], draws, room, isLate, random);
    modes.push(mode);
    return fitted;
  };

  const constraints = evidence.constraints.map(({ positions, excess }) =>
    fitNext({ ...pick(all, positions), targets: excess }, 1),
  );
  const factors = constraints.flatMap((fitted): Term[] =>
    fitted.map(({ posterior }) => ({ posteriors: [posterior], criterion: feasibility })),
  );
  const finish = (alternatives: Term[], aim: string): Surrogates => ({
    acquisition: new Acquisition(features, alternatives, factors, optimumPrior(space, n, budget.trials)),
    aim: factors.length > 0 && alternatives.length > 0 ? `${aim} within the constraints` : aim,
    modes,
  });
  if (!evidence.isFeasible.some(Boolean)) {
    return finish([], "probability of feasibility");
  }
  if (evidence.objectives.length === 1 || evidence.objectives.length > MOST_EXACT) {
    const targets = scalarised(evidence.objectives, random);
    const draws = Math.min(MOST_DRAWS, Math.max(1, Math.floor(AFFORDED / n)));
    const alternatives = fitNext({ ...all, targets }, draws).map(({ posterior, data }): Term => {
      const best = leastFitted(posterior, data, evidence);
      return { posteriors: [posterior], criterion: expectedImprovement(best) };
    });
    return finish(alternatives, "expected improvement");
  }
  const fitted = evidence.objectives.flatMap((targets) => fitNext({ ...all, targets }, 1).slice(0, 1));
  const front = frontOf(fitted, evidence);
  const criterion = hypervolumeImprovement(undominated(front, referenceOf(front)));
  const term = { posteriors: fitted.map(({ posterior }) => posterior), criterion };
  return finish([term], "expected hypervolume improvement");
};

/** A posterior and what it was fitted to, with the positions of that in the evidence. */
interface Fitted {
  readonly posterior: Posterior;
  readonly data: Data;
}

/** @param start the mode of an earlier ask: then only a few steps are taken from it. */
const fitOne = (
  data: Data,
  priors: Priors,
  start: Float64Array | undefined,
  draws: number,
  room: number,
  isLate: () => boolean,
  random: Random,
): { mode: Float64Array; fitted: Fitted[] } => {
  const { layout, n } = data;
  const most = n > MOST_POINTS ? thin(data, MOST_POINTS) : data;
  const coarse = n > COARSE ? thin(data, COARSE) : data;
  const plain = priorMode(layout, priors);
  let mode = start ?? plain;
  if (!isLate()) {
    if (start === undefined || n <= COARSE) {
      const short = Float64Array.from(plain).fill(Math.log(0.5), 0, layout.width);
      mode = fitMode(coarse, priors, start === undefined ? [plain, short] : [plain, start], SEARCH).x;
    }
    if (n > COARSE && !isLate()) {
      mode = fitMode(n > FINE ? thin(data, FINE) : data, priors, [mode], REFINE).x;
    }
  }
  const isDear = mode.length > MOST_DRAWN || isLate();
  const thetas = drawAround(coarse, priors, mode, isDear ? 1 : draws, random);
  const fitted = thetas.flatMap((theta) => {
    const posterior = Posterior.of(most, toShape(layout, theta), room);
    return posterior === null ? [] : [{ posterior, data: most }];
  });
  if (fitted.length > 0) return { mode, fitted };
  // Data that agree to the last digit can defeat any length scale but the prior's.
  const posterior = Posterior.of(
    { ...most, noise: most.noise.map((v) => v * 1e3) },
    toShape(layout, plain),
    room,
  );
  return { mode: plain, fitted: posterior === null ? [] : [{ posterior, data: most }] };
};

/** Some rows of the data. */
const pick = ({ layout, features, targets, noise }: Data, positions: readonly number[]): Data => {
  const { width } = layout;
  const chosen = new Float64Array(positions.length * width);
  for (const [i, p] of positions.entries())
    chosen.set(features.subarray(p * width, (p + 1) * width), i * width);
  return {
    layout,
    n: positions.length,
    features: chosen,
    targets: Float64Array.from(positions, (p) => targets[p]!),
    noise: Float64Array.from(positions, (p) => noise[p]!),
  };
};

/** The least believed value at a feasible trial. */
const leastFitted = (posterior: Posterior, data: Data, { isFeasible }: Evidence): number => {
  let best = Infinity;
  const isAll = data.n === isFeasible.length;
  for (const [i, value] of posterior.fitted().entries()) {
    if (!isAll || isFeasible[i]) best = Math.min(best, value);
  }
  return best;
};

/** The undominated among the believed values of feasible trials. */
const frontOf = (fitted: readonly Fitted[], { isFeasible }: Evidence): Float64Array[] => {
  const values = fitted.map(({ posterior }) => posterior.fitted());
  const isAll = values[0]!.length === isFeasible.length;
  const points = Array.from(values[0]!, (_, i) => i)
    .filter((i) => !isAll || isFeasible[i])
    .map((i) => Float64Array.from(values, (column) => column[i]!))
    .sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
  const front: Float64Array[] = [];
  for (const y of points) {
    if (!front.some((other) => other.every((v, j) => v <= y[j]!))) front.push(y);
  }
  return front;
};

const referenceOf = (front: readonly Float64Array[]): Float64Array =>
  front[0]!.map((_, j) => {
    const column = front.map((y) => y[j]!);
    const high = Math.max(...column);
    return high + Math.max(MARGIN * (high - Math.min(...column)), 0.05);
  });

/** The modes that a hint carries; none when it does not fit the space. */
const modesOf = (hint: Hint | null, features: Features): Float64Array[] => {
  const length = priorMode(features, priorsOf(1)).length;
  if (hint === null || hint.values.length % length !== 0 || !hint.values.every(Number.isFinite)) return [];
  return Array.from({ length: hint.values.length / length }, (_, i) =>
    Float64Array.from(hint.values.slice(i * length, (i + 1) * length)),
  );
};
