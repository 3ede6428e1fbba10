import { dot, factorise, solveFactorised } from "../../shared/numerics/cholesky.ts";
import { type Bounds, minimise } from "../../shared/numerics/lbfgs.ts";
import { createRandom } from "../../shared/numerics/random.ts";
import { TrialKind } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { compileSpace } from "../../shared/space/compile.ts";

/**
 * A study of ridge regression with 100 penalties, one a feature, 20 of which matter: what told gradients are worth where parameters are many.
 * Values and gradients are of the closed form. `node bench/gradients/penalties.ts` prints the validation loss above the least
 * that is known (the best of L-BFGS from three starts and of all searches).
 */

const SEEDS = [0, 1, 2, 3, 4];
const FEATURES = 100;
const RELEVANT = 20;
const ROWS = 150;
/** Parameters are logarithms of penalties. */
const [LOW, HIGH] = [-8, 4];

const WAYS: readonly {
  readonly name: AlgorithmName;
  readonly isTold: boolean;
  readonly after: readonly number[];
}[] = [
  { name: "gradient", isTold: true, after: [10, 20, 30, 50] },
  { name: "gp", isTold: true, after: [30] },
  { name: "gp", isTold: false, after: [300] },
  { name: "random", isTold: false, after: [300] },
];

interface Evaluation {
  readonly value: number;
  /** By the logarithms of the penalties. */
  readonly gradient: Float64Array;
}

const problem = (seed: number): ((h: ArrayLike<number>) => Evaluation) => {
  const random = createRandom(seed, 0x7269);
  const truth = Float64Array.from({ length: FEATURES }, (_, j) => (j < RELEVANT ? random.normal() : 0));
  const draw = () => {
    const x = Float64Array.from({ length: ROWS * FEATURES }, () => random.normal());
    const y = Float64Array.from(
      { length: ROWS },
      (_, i) => dot(x, i * FEATURES, truth, 0, FEATURES) + random.normal(),
    );
    return { x, y };
  };
  const [train, held] = [draw(), draw()];
  const gram = new Float64Array(FEATURES * FEATURES);
  const right = new Float64Array(FEATURES);
  for (let i = 0; i < ROWS; i++) {
    for (let a = 0; a < FEATURES; a++) {
      const u = train.x[i * FEATURES + a]! / ROWS;
      right[a]! += u * train.y[i]!;
      for (let b = 0; b < FEATURES; b++) gram[a * FEATURES + b]! += u * train.x[i * FEATURES + b]!;
    }
  }
  return (h) => {
    const l = Float64Array.from(gram);
    for (let j = 0; j < FEATURES; j++) l[j * FEATURES + j]! += Math.exp(h[j]!);
    factorise(l, FEATURES);
    const weights = Float64Array.from(right);
    solveFactorised(l, FEATURES, weights);
    const adjoint = new Float64Array(FEATURES);
    let value = 0;
    for (let i = 0; i < ROWS; i++) {
      const miss = dot(held.x, i * FEATURES, weights, 0, FEATURES) - held.y[i]!;
      value += (miss * miss) / (2 * ROWS);
      for (let j = 0; j < FEATURES; j++) adjoint[j]! += (miss * held.x[i * FEATURES + j]!) / ROWS;
    }
    solveFactorised(l, FEATURES, adjoint);
    return { value, gradient: adjoint.map((v, j) => -v * Math.exp(h[j]!) * weights[j]!) };
  };
};

const space = compileSpace(
  Object.fromEntries(
    Array.from({ length: FEATURES }, (_, j) => [`h${j}`, { type: "float", low: LOW, high: HIGH } as const]),
  ),
);

/** The least validation loss after each trial. */
const search = (f: ReturnType<typeof problem>, { name, isTold, after }: (typeof WAYS)[number]): number[] => {
  const rows: HistoryRow[] = [];
  const values: number[] = [];
  const trials = Math.max(...after);
  for (let number = 0; number < trials; number++) {
    const [proposal] = askAlgorithm({
      problem: { space, objectives: 1, budget: { trials, parallel: 1 } },
      choice: { name },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed: 1,
      firstNumber: number,
    }).proposals;
    if (proposal === undefined) throw new Error("Nothing was proposed.");
    const { x, parent } = proposal;
    const { value, gradient } = f(x.map((u) => LOW + (HIGH - LOW) * u));
    values.push(Math.min(value, values.at(-1) ?? value));
    rows.push({
      ...{ number, x, kind: TrialKind.completed, y: [value] },
      ...(isTold && { gradient: gradient.map((slope) => (HIGH - LOW) * slope) }),
      ...(parent !== undefined && { parent }),
    });
  }
  return values;
};

/** The least value that L-BFGS comes to from several starts. */
const leastOf = (f: ReturnType<typeof problem>): number => {
  const bounds: Bounds = {
    lower: new Float64Array(FEATURES).fill(LOW),
    upper: new Float64Array(FEATURES).fill(HIGH),
  };
  const descent = (x: Float64Array, gradient: Float64Array) => {
    const evaluation = f(x);
    gradient.set(evaluation.gradient);
    return evaluation.value;
  };
  const starts = [-4, -2, 0].map((h) => new Float64Array(FEATURES).fill(h));
  return Math.min(...starts.map((start) => minimise(descent, start, bounds, 1000, 1e-10).value));
};

const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const columns = WAYS.flatMap(({ name, isTold, after }) =>
  after.map(
    (count) => `\`${name}\`${isTold && name !== "gradient" ? " with gradients" : ""}, ${count} trials`,
  ),
);
row(["seed", ...columns]);
row(["---", ...columns.map(() => "---")]);
for (const seed of SEEDS) {
  const f = problem(seed);
  const curves = WAYS.map((way) => search(f, way));
  const least = Math.min(leastOf(f), ...curves.map((curve) => curve.at(-1)!));
  row([
    `${seed}`,
    ...WAYS.flatMap(({ after }, w) => after.map((count) => (curves[w]![count - 1]! - least).toFixed(4))),
  ]);
}
