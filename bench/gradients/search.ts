import { createRandom } from "../../shared/numerics/random.ts";
import { TrialKind } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import { compileSpace } from "../../shared/space/compile.ts";

/**
 * What told gradients are worth to a study: `gradient` and `gp` with them, `gp` and `random` without, on smooth functions, one trial at a time.
 * `node bench/gradients/search.ts` prints a table: medians over seeds of what is left to the minimum after so many trials, and of how many
 * trials it took until a search was as good as `gp` without gradients at the end.
 */

const SEEDS = [1, 2, 3, 4, 5];
const AFTER = [20, 50];
const WAYS = {
  "`gradient`": { name: "gradient", isTold: true },
  "`gp` with gradients": { name: "gp", isTold: true },
  "`gp`": { name: "gp", isTold: false },
  "`random`": { name: "random", isTold: false },
} as const;
type Way = (typeof WAYS)[keyof typeof WAYS];

/** A function with its minimum 0 at the origin, and its derivatives. */
interface Smooth {
  readonly name: string;
  readonly dimension: number;
  /** Half the width of the box that is searched; the origin lies within its middle half, elsewhere for each seed. */
  readonly reach: number;
  readonly at: (x: Float64Array) => { readonly value: number; readonly slopes: Float64Array };
}

const rosenbrock = (dimension: number): Smooth => ({
  name: "Rosenbrock",
  dimension,
  reach: 2,
  at: (shifted) => {
    const x = shifted.map((u) => u + 1);
    const slopes = new Float64Array(dimension);
    let value = 0;
    for (let i = 0; i + 1 < dimension; i++) {
      const rise = x[i + 1]! - x[i]! ** 2;
      const gap = 1 - x[i]!;
      value += 100 * rise ** 2 + gap ** 2;
      slopes[i]! += -400 * x[i]! * rise - 2 * gap;
      slopes[i + 1]! += 200 * rise;
    }
    return { value, slopes };
  },
});

const LOWEST = -2.903534027771177;
const wells = (u: number) => (u ** 4 - 16 * u ** 2 + 5 * u) / 2;

const styblinskiTang = (dimension: number): Smooth => ({
  name: "Styblinski and Tang",
  dimension,
  reach: 5,
  at: (shifted) => {
    const x = shifted.map((u) => u + LOWEST);
    const value = x.reduce((sum, u) => sum + wells(u) - wells(LOWEST), 0);
    return { value, slopes: x.map((u) => 2 * u ** 3 - 16 * u + 2.5) };
  },
});

const griewank = (dimension: number): Smooth => ({
  name: "Griewank",
  dimension,
  reach: 6,
  at: (x) => {
    const waves = x.map((u, i) => Math.cos(u / Math.sqrt(i + 1)));
    const product = waves.reduce((all, wave) => all * wave, 1);
    const value = 1 + x.reduce((sum, u) => sum + u ** 2 / 40, 0) - product;
    const others = (i: number) => waves.reduce((all, wave, j) => (j === i ? all : all * wave), 1);
    const slopes = x.map((u, i) => {
      const scale = Math.sqrt(i + 1);
      return u / 20 + (Math.sin(u / scale) / scale) * others(i);
    });
    return { value, slopes };
  },
});

const functions = [rosenbrock(5), rosenbrock(10), styblinskiTang(5), griewank(8), griewank(20)];

/** The least value after each trial. */
const search = (smooth: Smooth, { name, isTold }: Way, seed: number): number[] => {
  const { dimension, reach } = smooth;
  const random = createRandom(seed, dimension);
  const origin = Float64Array.from({ length: dimension }, () => 0.25 + 0.5 * random.uniform());
  const names = Array.from({ length: dimension }, (_, j) => `x${j}`);
  const space = compileSpace(
    Object.fromEntries(names.map((parameter) => [parameter, { type: "float", low: 0, high: 1 }])),
  );
  const trials = Math.max(...AFTER);
  const rows: HistoryRow[] = [];
  const values: number[] = [];
  for (let number = 0; number < trials; number++) {
    const [proposal] = askAlgorithm({
      problem: { space, objectives: 1, budget: { trials, parallel: 1 } },
      choice: { name },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed,
      firstNumber: number,
    }).proposals;
    if (proposal === undefined) throw new Error("Nothing was proposed.");
    const { x, parent } = proposal;
    const { value, slopes } = smooth.at(x.map((u, j) => 2 * reach * (u - origin[j]!)));
    values.push(value);
    rows.push({
      ...{ number, x, kind: TrialKind.completed, y: [value] },
      ...(isTold && { gradient: slopes.map((slope) => 2 * reach * slope) }),
      ...(parent !== undefined && { parent }),
    });
  }
  return values.map((_, i) => Math.min(...values.slice(0, i + 1)));
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const LAST = Math.max(...AFTER);
const PLAIN = "`gp`";
const columns = Object.keys(WAYS).flatMap((way) => [
  ...AFTER.map((count) => `${way}, ${count} trials`),
  ...(way === PLAIN ? [] : [`trials until as good as ${PLAIN} after ${LAST}`]),
]);
row(["function", ...columns]);
row(["---", ...columns.map(() => "---")]);
for (const smooth of functions) {
  const curves = Object.entries(WAYS).map(
    ([way, how]) => [way, SEEDS.map((seed) => search(smooth, how, seed))] as const,
  );
  const goals = new Map(curves).get(PLAIN)!.map((curve) => curve[LAST - 1]!);
  const cells = curves.flatMap(([way, runs]) => {
    const needed = runs.map((curve, seed) => curve.findIndex((value) => value <= goals[seed]!));
    const trials = median(needed.map((at) => (at < 0 ? LAST + 1 : at + 1)));
    return [
      ...AFTER.map((count) => median(runs.map((curve) => curve[count - 1]!)).toPrecision(2)),
      ...(way === PLAIN ? [] : [trials > LAST ? `> ${LAST}` : `${trials}`]),
    ];
  });
  row([`${smooth.name}, ${smooth.dimension} parameters`, ...cells]);
}
