import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { dot, factorise, solveFactorised } from "../../shared/numerics/cholesky.ts";
import { createRandom } from "../../shared/numerics/random.ts";
import { TrialKind } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { mean, median } from "../statistics.ts";

/**
 * Ridge regression with 100 penalties, one a feature, 20 of which matter: what told gradients are worth where parameters are many.
 * Values and gradients are of the closed form; the optimum is the best end of 25 runs of SciPy's L-BFGS-B, and of the searches.
 *
 *   node bench/gradients/penalties.ts                  both tables
 *   node bench/gradients/penalties.ts --only shares    how often `gradient` and L-BFGS-B come within 1e-3 of the optimum, on 20 problems
 *   node bench/gradients/penalties.ts --only searches  what is left to the optimum on 5 problems, `gp` and `random` beside it
 */

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "shares,searches" } } });

const SEEDS = [0, 1, 2, 3, 4];
/** Problems that no constant of `gradient` was chosen on. */
const FRESH = [30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69];
const WITHIN = 1e-3;
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

interface Rows {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

interface Problem {
  readonly train: Rows;
  readonly held: Rows;
}

const problemOf = (seed: number): Problem => {
  const random = createRandom(seed, 0x7269);
  const truth = Float64Array.from({ length: FEATURES }, (_, j) => (j < RELEVANT ? random.normal() : 0));
  const draw = (): Rows => {
    const x = Float64Array.from({ length: ROWS * FEATURES }, () => random.normal());
    const y = Float64Array.from(
      { length: ROWS },
      (_, i) => dot(x, i * FEATURES, truth, 0, FEATURES) + random.normal(),
    );
    return { x, y };
  };
  return { train: draw(), held: draw() };
};

const lossOf = ({ train, held }: Problem): ((h: ArrayLike<number>) => Evaluation) => {
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
const search = (
  f: ReturnType<typeof lossOf>,
  { name, isTold, after }: Pick<(typeof WAYS)[number], "name" | "isTold" | "after">,
): number[] => {
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

/** What L-BFGS-B of SciPy comes to. */
interface Peer {
  /** By evaluations from the middle. */
  readonly values: readonly number[];
  /** Where that run converges, and those from other starts. */
  readonly end: number;
  readonly constant: readonly number[];
  readonly random: readonly number[];
}

const peerOf = (problem: Problem): Peer => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const plain = ({ x, y }: Rows) => ({ x: [...x], y: [...y] });
  const input = `${JSON.stringify({ train: plain(problem.train), held: plain(problem.held) })}\n`;
  const script = join(root, "bench/gradients/penalties.py");
  const env = { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };
  return JSON.parse(
    execFileSync(join(root, ".venv/bin/python"), [script], { input, env, encoding: "utf8" }),
  ) as Peer;
};

const leastOf = ({ end, constant, random }: Peer, searches: readonly (readonly number[])[]): number =>
  Math.min(end, ...constant, ...random, ...searches.flat());

const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);
const head = (cells: readonly string[]) => {
  row(cells);
  row(cells.map(() => "---"));
};

const shares = (): void => {
  const counts = [20, 29, 50];
  const runs = FRESH.map((seed) => {
    const problem = problemOf(seed);
    const found = search(lossOf(problem), { name: "gradient", isTold: true, after: counts });
    const peer = peerOf(problem);
    const least = leastOf(peer, [found]);
    const above = (values: readonly number[]) => values.map((value) => value - least);
    const byCount = (values: readonly number[]) =>
      above(counts.map((count) => Math.min(...values.slice(0, count))));
    return {
      gradient: byCount(found),
      peer: byCount(peer.values),
      end: peer.end - least,
      random: above(peer.random),
    };
  });
  const line = (way: string, gaps: readonly number[]) => {
    const share = `${gaps.filter((gap) => gap < WITHIN).length} of ${gaps.length}`;
    row([way, share, ...[median(gaps), mean(gaps), Math.max(...gaps)].map((gap) => gap.toFixed(4))]);
  };
  head(["way", `within ${WITHIN}`, "median above the optimum", "mean", "largest"]);
  for (const [i, count] of counts.entries()) {
    line(
      `\`gradient\`, ${count} trials`,
      runs.map(({ gradient }) => gradient[i]!),
    );
    line(
      `L-BFGS-B, ${count} evaluations`,
      runs.map(({ peer }) => peer[i]!),
    );
  }
  line(
    "L-BFGS-B from the middle, until it converges",
    runs.map(({ end }) => end),
  );
  line(
    "L-BFGS-B from random starts, until it converges",
    runs.flatMap(({ random }) => random),
  );
};

const searches = (): void => {
  const columns = WAYS.flatMap(({ name, isTold, after }) =>
    after.map(
      (count) => `\`${name}\`${isTold && name !== "gradient" ? " with gradients" : ""}, ${count} trials`,
    ),
  );
  head(["seed", ...columns]);
  for (const seed of SEEDS) {
    const problem = problemOf(seed);
    const curves = WAYS.map((way) => search(lossOf(problem), way));
    const least = leastOf(peerOf(problem), curves);
    row([
      `${seed}`,
      ...WAYS.flatMap(({ after }, w) => after.map((count) => (curves[w]![count - 1]! - least).toFixed(4))),
    ]);
  }
};

const tables = new Map([
  ["shares", shares],
  ["searches", searches],
]);
for (const name of flags.only.split(",")) {
  const print = tables.get(name);
  if (print === undefined)
    throw new Error(`There is no table "${name}"; there are ${[...tables.keys()].join(", ")}.`);
  print();
}
