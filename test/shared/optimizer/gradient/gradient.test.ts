import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { type Draft, type Problem, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import type { AlgorithmChoice } from "../../../../shared/optimizer/choice.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { openTips } from "../../../../shared/optimizer/gradient/index.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import type { SpaceDefinition } from "../../../../shared/space/definition.ts";

type Options = Omit<Extract<AlgorithmChoice, { name: "gradient" }>, "name">;

/** A cost and its derivatives by the coordinates of the cube. */
type Cost = (x: Float64Array) => { y: number; gradient: Float64Array };

const floats = (d: number): SpaceDefinition =>
  Object.fromEntries(Array.from({ length: d }, (_, j) => [`x${j}`, { type: "float", low: 0, high: 1 }]));

/** A bowl, a hundred times steeper along its last coordinate than along its first. */
const bowl =
  (centre: number): Cost =>
  (x) => {
    const steep = (j: number) => 100 ** (j / (x.length - 1));
    return {
      y: x.reduce((sum, u, j) => sum + steep(j) * (u - centre) ** 2, 0),
      gradient: x.map((u, j) => 2 * steep(j) * (u - centre)),
    };
  };

/** Rosenbrock's function of two numbers in [-2, 2]. */
const valley: Cost = (x) => {
  const [a = 0, b = 0] = x.map((u) => 4 * u - 2);
  const rise = b - a * a;
  return {
    y: 100 * rise ** 2 + (1 - a) ** 2,
    gradient: Float64Array.of(4 * (-400 * a * rise - 2 * (1 - a)), 4 * 200 * rise),
  };
};

interface Run {
  readonly space: SpaceDefinition;
  readonly cost: Cost;
  readonly trials: number;
  readonly options?: Options;
  readonly parallel?: number;
  /** What becomes of a trial in place of its cost. */
  readonly end?: (number: number) => Partial<HistoryRow>;
}

/** Runs a study, so many trials at a time, and answers what was proposed and what became of it. */
const run = ({ space: definition, cost, trials, options = {}, parallel = 1, end = () => ({}) }: Run) => {
  const space = compileSpace(definition);
  const problem: Problem = { space, objectives: 1, budget: { trials, parallel } };
  const rows: HistoryRow[] = [];
  const drafts: Draft[] = [];
  const ask = () => {
    const history = buildHistory(space, 1, rows);
    const choice = { name: "gradient", ...options } as const;
    return askAlgorithm({ problem, choice, history, count: 1, seed: 1, firstNumber: rows.length }).proposals;
  };
  const tell = (number: number) => {
    const { x } = drafts[number]!;
    const { y, gradient } = cost(x);
    rows[number] = { ...rows[number]!, kind: TrialKind.completed, y: [y], gradient, ...end(number) };
  };
  for (let done = 0; done < trials; ) {
    while (rows.length - done < parallel && rows.length < trials) {
      const [draft] = ask();
      if (draft === undefined) throw new Error("Nothing was proposed.");
      const { x, parent } = draft;
      rows.push({ number: rows.length, x, ...(parent !== undefined && { parent }) });
      drafts.push(draft);
    }
    tell(done);
    done++;
  }
  const costs = drafts.map(({ x }) => cost(x).y);
  return { space, rows, drafts, best: Math.min(...costs), history: () => buildHistory(space, 1, rows) };
};

test.each<[NonNullable<Options["method"]>, number]>([
  ["lbfgs", 1e-6],
  ["rprop", 1e-6],
  ["adam", 0.1],
  ["rmsprop", 0.01],
])("%s finds the bottom of a bowl in 40 trials", (method, within) => {
  const { best } = run({ space: floats(5), cost: bowl(0.3), trials: 40, options: { method } });
  expect(best).toBeLessThan(within);
});

test("L-BFGS follows a curved valley, which steps along signs do not", () => {
  const valleyIn = (method: "lbfgs" | "rprop") =>
    run({ space: floats(2), cost: valley, trials: 60, options: { method, starts: 1 } }).best;
  expect(valleyIn("lbfgs")).toBeLessThan(1e-8);
  expect(valleyIn("rprop")).toBeGreaterThan(1e-3);
});

test("scales of parameters that differ ten thousandfold are learned within some steps", () => {
  const steep = (j: number) => 1e4 ** (j / 19 - 1);
  const miss = (x: Float64Array) => x.map((u, j) => u - 0.3 - j / 100);
  const cost: Cost = (x) => ({
    y: miss(x).reduce((sum, u, j) => sum + (steep(j) * u ** 2) / 2, 0),
    gradient: miss(x).map((u, j) => steep(j) * u),
  });
  const { best } = run({ space: floats(20), cost, trials: 20 });
  expect(best).toBeLessThan(1e-6);
});

test("a step that was refused told the curvature: the next one goes to the minimum in each parameter", () => {
  const cost: Cost = (x) => ({
    y: 1000 * (x[0]! - 0.505) ** 2 + 600 * (x[1]! - 0.515) ** 2,
    gradient: Float64Array.of(2000 * (x[0]! - 0.505), 1200 * (x[1]! - 0.515)),
  });
  const { drafts } = run({ space: floats(2), cost, trials: 3, options: { rate: 0.2 } });
  expect(drafts.map(({ parent }) => parent)).toEqual([undefined, 0, 0]);
  expect(cost(drafts[1]!.x).y).toBeGreaterThan(cost(drafts[0]!.x).y);
  expect(drafts[2]!.x[0]).toBeCloseTo(0.505, 6);
  expect(drafts[2]!.x[1]).toBeCloseTo(0.515, 6);
});

test("steps grow while they are accepted, and never beyond their bound", () => {
  // A slope without curvature: as far as a step may go it goes.
  const slope: Cost = (x) => ({ y: 1e-3 * x[0]!, gradient: Float64Array.of(1e-3) });
  const { drafts } = run({ space: floats(1), cost: slope, trials: 5, options: { rate: 0.02, maxStep: 0.1 } });
  const moved = drafts.slice(1).map(({ x }, k) => drafts[k]!.x[0]! - x[0]!);
  for (const [k, length] of [0.02, 0.04, 0.08, 0.1].entries()) expect(moved[k]).toBeCloseTo(length, 6);
});

test("Adam's first step has its learning rate along each coordinate, against the sign of the derivative", () => {
  const options = { method: "adam", rate: 0.04 } as const;
  const { drafts } = run({ space: floats(3), cost: bowl(0.3), trials: 2, options });
  const slowed = 0.04 / Math.sqrt(1 + 1 / 20);
  for (const [j, u] of drafts[1]!.x.entries()) expect(u).toBeCloseTo(drafts[0]!.x[j]! - slowed, 9);
});

test("no step moves a parameter further than it may, and none leaves the cube", () => {
  const options = { maxStep: 0.1 };
  const { drafts } = run({ space: floats(4), cost: bowl(-2), trials: 30, options });
  for (const { x, parent } of drafts) {
    for (const [j, u] of x.entries()) {
      expect(u).toBeGreaterThanOrEqual(0);
      expect(u).toBeLessThanOrEqual(1);
      if (parent !== undefined) expect(Math.abs(u - drafts[parent]!.x[j]!)).toBeLessThanOrEqual(0.1 + 1e-12);
    }
  }
});

test("a minimum at the bounds is found", () => {
  const { best } = run({ space: floats(4), cost: bowl(-2), trials: 20 });
  expect(best).toBeCloseTo(bowl(-2)(new Float64Array(4)).y, 9);
});

test("every step names the trial it goes on from, and one that was refused is tried again, shorter", () => {
  // The second trial is as bad as a trial can be: no step to it counts.
  const { drafts } = run({
    space: floats(2),
    cost: bowl(0.3),
    trials: 4,
    end: (number) => (number === 1 ? { y: [1e9] } : {}),
    options: { method: "rprop" },
  });
  expect(drafts.map(({ parent }) => parent)).toEqual([undefined, 0, 0, 2]);
  const moved = (to: number) => drafts[to]!.x[0]! - drafts[0]!.x[0]!;
  expect(Math.abs(moved(2))).toBeLessThanOrEqual(Math.abs(moved(1)) / 2);
  expect(Math.sign(moved(2))).toBe(Math.sign(moved(1)));
  expect(drafts[2]!.why).toContain("shorter step");
});

test.each([
  ["failed", { kind: TrialKind.failed, y: [Number.NaN] }],
  ["told no gradient", { gradient: [Number.NaN, Number.NaN] }],
])("a step whose trial %s is tried again, shorter", (_, end) => {
  const { drafts } = run({
    space: floats(2),
    cost: bowl(0.3),
    trials: 3,
    end: (number) => (number === 1 ? end : {}),
  });
  expect(drafts[2]!.parent).toBe(0);
});

test("several starts go on at once where trials run in parallel, each from its own trials", () => {
  const { drafts } = run({ space: floats(3), cost: bowl(0.3), trials: 24, parallel: 4 });
  const startOf = (number: number): number => {
    const parent = drafts[number]!.parent;
    return parent === undefined ? number : startOf(parent);
  };
  const starts = drafts.map((_, number) => startOf(number));
  expect(new Set(starts)).toEqual(new Set([0, 1, 2, 3]));
});

test("where no gradient is told, each trial is another start", () => {
  const unknown = { gradient: [Number.NaN, Number.NaN] };
  const { drafts } = run({ space: floats(2), cost: bowl(0.3), trials: 6, end: () => unknown });
  expect(drafts.every(({ parent }) => parent === undefined)).toBe(true);
});

test("choices stay as their start has them, and what is inactive does not move", () => {
  const space: SpaceDefinition = {
    lr: { type: "float", low: 1e-4, high: 1, scale: "log" },
    optimizer: { type: "categorical", choices: ["sgd", "adam"] },
    momentum: { type: "float", low: 0, high: 1, when: { optimizer: ["sgd"] } },
  };
  const cost: Cost = (x) => ({
    y: (x[0]! - 0.3) ** 2 + (x[2]! || 0),
    gradient: Float64Array.of(2 * (x[0]! - 0.3), Number.NaN, Number.isNaN(x[2]!) ? Number.NaN : 1),
  });
  const { drafts } = run({ space, cost, trials: 30, parallel: 3 });
  const steps = drafts.filter(({ parent }) => parent !== undefined);
  expect(steps.length).toBeGreaterThan(10);
  for (const { x, parent } of steps) expect(x[1]).toBe(drafts[parent!]!.x[1]);
  const inactive = steps.filter(({ x }) => x[1]! > 0.5);
  for (const { x } of inactive) expect(x[2]).toBeNaN();
});

test("a parameter whose derivative is not told stays where it is, although others told how it matters", () => {
  const cost: Cost = (x) => {
    const sum = x[0]! + x[1]! - 0.6;
    return {
      y: sum ** 2 + (x[0]! - 0.1) ** 2,
      gradient: Float64Array.of(2 * sum + 2 * (x[0]! - 0.1), 2 * sum),
    };
  };
  const end = (number: number) => (number === 3 ? { gradient: [0.1, Number.NaN] } : {});
  const { drafts } = run({ space: floats(2), cost, trials: 5, end });
  expect(drafts[4]!.parent).toBe(3);
  expect(drafts[4]!.x[0]).not.toBe(drafts[3]!.x[0]);
  expect(drafts[4]!.x[1]).toBe(drafts[3]!.x[1]);
  expect(drafts[3]!.x[1]).not.toBe(drafts[2]!.x[1]);
});

test("a step that does not leave the cell of its values is followed by another start", () => {
  const space: SpaceDefinition = { n: { type: "int", low: 0, high: 3 } };
  const { drafts } = run({ space, cost: bowl(0.4), trials: 3, options: { maxStep: 0.01 } });
  expect(new Set(drafts.map(({ x }) => x[0])).size).toBe(3);
});

test("trials say so when results contradict the told gradients, and not when they agree", () => {
  const upside: Cost = (x) => {
    const { y, gradient } = bowl(0.3)(x);
    return { y, gradient: gradient.map((g) => -g) };
  };
  const options = { method: "adam" } as const;
  const wrong = run({ space: floats(3), cost: upside, trials: 10, options });
  expect(wrong.drafts.at(-1)!.why).toMatch(/told gradients explain only \d+% of \d+ differences/);
  const right = run({ space: floats(3), cost: bowl(0.3), trials: 30, options });
  for (const { why } of right.drafts) expect(why).not.toContain("explain");
});

test("trials that check the first gradient lie next to it, and no step goes on from them", () => {
  const options = { check: 2 };
  const { drafts } = run({ space: floats(3), cost: bowl(0.3), trials: 12, options });
  const checks = drafts.flatMap(({ why }, number) => (why.startsWith("check") ? [number] : []));
  expect(checks).toEqual([1, 2]);
  for (const number of checks) {
    const { x, parent } = drafts[number]!;
    expect(parent).toBe(0);
    expect(x.every((u, j) => Math.abs(u - drafts[0]!.x[j]!) < 0.02)).toBe(true);
    expect(drafts.some((draft) => draft.parent === number)).toBe(false);
  }
});

test("what a next step may go on from is known, so that its checkpoint is kept", () => {
  const { rows, history } = run({
    space: floats(3),
    cost: bowl(0.3),
    trials: 5,
    options: { method: "rprop" },
  });
  expect(openTips(history(), {})).toEqual(new Set([rows.length - 1]));
  // A step from an earlier trial that still runs needs that one's too.
  rows.push({ number: rows.length, x: [0.1, 0.1, 0.1], parent: 1 });
  expect([...openTips(history(), {})].sort()).toEqual([1, rows.length - 2]);
});

test("noise does not stop Adam", () => {
  const random = createRandom(3);
  const noisy: Cost = (x) => {
    const { y, gradient } = bowl(0.3)(x);
    return { y: y + 0.1 * random.normal(), gradient: gradient.map((g) => g + 0.3 * random.normal()) };
  };
  const options = { method: "adam", starts: 1 } as const;
  const { drafts } = run({ space: floats(4), cost: noisy, trials: 60, options });
  expect(drafts.filter(({ parent }) => parent === undefined)).toHaveLength(1);
  expect(bowl(0.3)(drafts.at(-1)!.x).y).toBeLessThan(0.3);
});
