import { expect, test } from "vitest";
import type { Hint, Problem } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { gp } from "../../../../shared/optimizer/gp/index.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { fromCube } from "../../../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../../../shared/space/definition.ts";

type Objective = (params: Record<string, unknown>) => Partial<HistoryRow>;

const float = { type: "float", low: 0, high: 1 } as const;

const problemOf = (definition: SpaceDefinition, change: Partial<Problem> = {}): Problem => ({
  space: compileSpace(definition),
  objectives: 1,
  budget: { trials: 100, parallel: 1 },
  ...change,
});

/** Asks and tells, one by one; hints travel unless left behind. */
const search = (problem: Problem, objective: Objective, trials: number, seed: number, hints = true) => {
  const rows: HistoryRow[] = [];
  let hint: Hint | null = null;
  for (let number = 0; number < trials; number++) {
    const history = buildHistory(problem.space, problem.objectives, rows, problem.outcomes);
    const answer = askAlgorithm({
      problem,
      choice: { name: "gp" },
      history,
      count: 1,
      seed,
      firstNumber: number,
      hint: hints ? hint : null,
    });
    hint = answer.hint ?? hint;
    const { x } = answer.proposals[0]!;
    rows.push({ number, x, ...objective(fromCube(problem.space, x)) });
  }
  return rows;
};

const least = (rows: readonly HistoryRow[]) => Math.min(...rows.flatMap(({ y }) => (y ? [y[0]!] : [])));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

const square: SpaceDefinition = { a: float, b: float };
const branin: Objective = ({ a, b }) => {
  const x = 15 * Number(a) - 5;
  const y = 15 * Number(b);
  const bend = y - (5.1 * x * x) / (4 * Math.PI ** 2) + (5 * x) / Math.PI - 6;
  return { y: [bend * bend + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10 - 0.397887] };
};

test("finds the minimum of Branin's function within 30 trials, for every seed", () => {
  for (let seed = 0; seed < 5; seed++)
    expect(least(search(problemOf(square), branin, 30, seed))).toBeLessThan(0.05);
});

/** Rosenbrock's valley in four numbers: hard enough that 75 trials leave something to find. */
const valley: SpaceDefinition = { a: float, b: float, c: float, d: float };
const rosenbrock: Objective = (params) => {
  const x = ["a", "b", "c", "d"].map((name) => 4 * Number(params[name]) - 2);
  const parts = x.slice(1).map((v, i) => 100 * (v - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2);
  return { y: [parts.reduce((sum, part) => sum + part, 0)] };
};

test("with hints and without it finds as much, in trials enough for the hint to be used", () => {
  const regret = (hints: boolean) =>
    mean(
      Array.from({ length: 4 }, (_, seed) =>
        Math.log10(least(search(problemOf(valley), rosenbrock, 75, seed, hints))),
      ),
    );
  expect(Math.abs(regret(true) - regret(false))).toBeLessThan(0.7);
});

/** A history long enough for the hint to be used. */
const long = (problem: Problem) => {
  const rows = Array.from({ length: 60 }, (_, number): HistoryRow => {
    const x = [((number * 37) % 60) / 60, ((number * 23) % 59) / 59];
    return { number, x, ...branin({ a: x[0], b: x[1] }) };
  });
  return buildHistory(problem.space, 1, rows);
};

test("a hint of no use changes nothing; one that fits is where the fit begins", () => {
  const problem = problemOf(square);
  const history = long(problem);
  const ask = (values: readonly number[] | null) => {
    const hint: Hint | null = values && { algorithm: "gp", revision: gp.revision, trials: 60, values };
    return askAlgorithm({
      problem,
      choice: { name: "gp" },
      history,
      count: 1,
      seed: 1,
      firstNumber: 60,
      hint,
    });
  };
  const without = ask(null);
  for (const values of [[], [1], [Number.NaN, 0, 0, 0, 0, 0, 0]]) {
    expect(ask(values).proposals).toEqual(without.proposals);
  }
  const own = without.hint!.values;
  expect(ask(own.map((value, i) => (i < 2 ? value + 2 : value))).proposals).not.toEqual(without.proposals);
});

test("failures are kept away from, and outliers do not blind it", () => {
  const problem = problemOf(square);
  const rows = search(
    problem,
    (params) => {
      if (Number(params.a) > 0.6) return { y: null, kind: 3 };
      const { y } = branin(params);
      return Number(params.b) > 0.9 ? { y: [1e9] } : { y };
    },
    40,
    2,
  );
  expect(least(rows)).toBeLessThan(0.5);
  const late = rows.slice(20).filter(({ x }) => x[0]! > 0.6);
  expect(late.length).toBeLessThan(8);
});

test("asks at the same moment lie apart: sixteen at once are sixteen different places", () => {
  const problem = problemOf(square, { budget: { trials: 100, parallel: 16 } });
  const history = buildHistory(problem.space, 1, search(problem, branin, 15, 3));
  const batch = askAlgorithm({
    problem,
    choice: { name: "gp" },
    history,
    count: 16,
    seed: 3,
    firstNumber: 15,
  }).proposals;
  expect(batch).toHaveLength(16);
  let nearest = Infinity;
  for (const [i, p] of batch.entries()) {
    for (const q of batch.slice(0, i)) {
      nearest = Math.min(nearest, Math.hypot(p.x[0]! - q.x[0]!, p.x[1]! - q.x[1]!));
    }
  }
  expect(nearest).toBeGreaterThan(1e-3);
});

test("finds the best point on the edge of an outcome constraint, and looks beyond with half of the trials at most", () => {
  const problem = problemOf(square, { outcomes: 1 });
  // The bowl's middle is out of bounds: the best feasible point lies on the line a + b = 0.8.
  const objective: Objective = ({ a, b }) => {
    const excess = Number(a) + Number(b) - 0.8;
    const y = (Number(a) - 0.7) ** 2 + (Number(b) - 0.7) ** 2;
    return { y: [y], excess: [excess], violation: Math.max(0, excess) };
  };
  for (const seed of [1, 2, 3, 4]) {
    const rows = search(problem, objective, 35, seed);
    expect(least(rows.filter(({ violation }) => violation === 0))).toBeLessThan(0.18 + 0.002);
    // Half of the trials are looked for near the best ones: those approach the edge from both sides.
    const near = rows.slice(20).filter(({ violation }) => violation! < 0.05);
    expect(near.length).toBeGreaterThan(5);
  }
});

test("while nothing is feasible it looks for what may be", () => {
  const problem = problemOf({ a: float, b: float, c: float }, { outcomes: 1 });
  const rows = search(
    problem,
    ({ a, b, c }) => {
      const excess = Math.hypot(Number(a) - 0.9, Number(b) - 0.1, Number(c) - 0.8) - 0.12;
      return { y: [Number(a)], excess: [excess], violation: Math.max(0, excess) };
    },
    30,
    5,
  );
  expect(rows.some(({ violation }) => violation === 0)).toBe(true);
});

test("two objectives: its trials spread over the front, beyond what chance finds", () => {
  const problem = problemOf(square, { objectives: 2 });
  const schaffer: Objective = ({ a, b }) => {
    const bowl = (Number(b) - 0.4) ** 2;
    return { y: [(Number(a) - 0.2) ** 2 + bowl, (Number(a) - 0.8) ** 2 + bowl] };
  };
  const volume = (rows: readonly HistoryRow[]) => {
    let area = 0;
    let ceiling = 0.5;
    for (const [x, y] of rows.map(({ y: v }) => [v![0]!, v![1]!] as const).sort((p, q) => p[0] - q[0])) {
      if (x >= 0.5 || y >= ceiling) continue;
      area += (0.5 - x) * (ceiling - y);
      ceiling = y;
    }
    return area;
  };
  // The whole front, drawn finely.
  const all = Array.from({ length: 1000 }, (_, i) => {
    const a = 0.2 + (0.6 * i) / 999;
    return { number: i, x: [], y: [(a - 0.2) ** 2, (a - 0.8) ** 2] };
  });
  for (const seed of [1, 2]) {
    expect(volume(search(problem, schaffer, 30, seed))).toBeGreaterThan(0.9 * volume(all));
  }
});

test("five objectives are drawn together by weights that differ from ask to ask", () => {
  const problem = problemOf(square, { objectives: 5 });
  const rows = search(
    problem,
    ({ a, b }) => ({
      y: [0.1, 0.3, 0.5, 0.7, 0.9].map((c) => (Number(a) - c) ** 2 + (Number(b) - c) ** 2),
    }),
    25,
    1,
  );
  const late = rows.slice(10).map(({ x }) => x[0]!);
  expect(Math.max(...late) - Math.min(...late)).toBeGreaterThan(0.3);
});

test("a prior draws the first trials near, and does not hold the later ones", () => {
  const prior = { type: "normal", mean: 0.2, sd: 0.05 } as const;
  const problem = problemOf({ a: { ...float, prior }, b: { ...float, prior } });
  const away: Objective = ({ a, b }) => ({ y: [(Number(a) - 0.8) ** 2 + (Number(b) - 0.8) ** 2] });
  const rows = search(problem, away, 40, 1);
  for (const { x } of rows.slice(0, 4)) expect(Math.abs(x[0]! - 0.2)).toBeLessThan(0.3);
  expect(least(rows)).toBeLessThan(0.01);
});

test("in a conditional space it finds the right branch and tunes there", () => {
  const problem = problemOf({
    model: { type: "categorical", choices: ["a", "b", "c"] },
    x: { ...float, when: { model: ["a"] } },
    y: { ...float, when: { model: ["b"] } },
    z: { ...float, when: { model: ["b", "c"] } },
  });
  const rows = search(
    problem,
    ({ model, x, y, z }) => ({
      y: [
        model === "a"
          ? 0.5 + (Number(x) - 0.5) ** 2
          : model === "b"
            ? (Number(y) - 0.3) ** 2 + (Number(z) - 0.6) ** 2
            : 0.2 + Number(z) ** 2,
      ],
    }),
    40,
    1,
  );
  expect(least(rows)).toBeLessThan(0.01);
});

test("a batch of ninety is chosen by the model to the last, on time or late", () => {
  const problem = problemOf(square);
  const rows = search(problem, branin, 12, 1);
  const history = buildHistory(problem.space, 1, rows);
  for (const isLate of [() => false, () => true]) {
    const { proposals } = askAlgorithm({
      problem,
      choice: { name: "gp" },
      history,
      count: 90,
      seed: 1,
      firstNumber: 12,
      isLate,
    });
    expect(proposals).toHaveLength(90);
    for (const { why } of proposals) expect(why).toContain("expected improvement");
  }
});
