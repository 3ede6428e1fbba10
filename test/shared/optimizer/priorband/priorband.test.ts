import { expect, test } from "vitest";
import { truncatedNormalCdf } from "../../../../shared/numerics/normal.ts";
import { type History, type Problem, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import type { ParameterDefinition, SpaceDefinition } from "../../../../shared/space/definition.ts";
import type { Space } from "../../../../shared/space/space.ts";
import { kolmogorovSmirnov } from "../../../support/statistics.ts";

const UNIFORM = "drawn uniformly";
const PRIOR = "drawn from the prior";
const AROUND = "drawn around the best trial";

const COUNT = 100;
const DRAWS = 30 * COUNT;

const problem = (space: Space, change: Partial<Problem> = {}): Problem => ({
  space,
  objectives: 1,
  budget: { trials: 10_000, parallel: 100 },
  ...change,
});

interface Draw {
  readonly change?: Partial<Problem>;
  readonly levels?: History["levels"];
  /** Trials of an ask. */
  readonly count?: number;
}

/** What a history draws next, many times over. */
const draws = (
  space: Space,
  rows: readonly HistoryRow[],
  { change = {}, levels, count = COUNT }: Draw = {},
) => {
  const asked = problem(space, change);
  const history = { ...buildHistory(space, asked.objectives, rows), ...(levels && { levels }) };
  return Array.from(
    { length: DRAWS / count },
    (_, seed) =>
      askAlgorithm({
        problem: asked,
        choice: { name: "priorband" },
        history,
        count,
        seed,
        firstNumber: rows.length,
      }).proposals,
  ).flat();
};

const shareOf = (proposals: readonly { readonly why: string }[], why: string): number =>
  proposals.filter((one) => one.why === why).length / proposals.length;

/** Within four standard deviations of a probability. */
const expectShare = (share: number, p: number) =>
  expect(Math.abs(share - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / DRAWS));

const believed = (mean: number, sd = 0.05): ParameterDefinition => ({
  type: "float",
  low: 0,
  high: 1,
  prior: { type: "normal", mean, sd },
});

const line = compileSpace({ x: believed(0.8) });
const cdfOf = (mean: number, sd: number) => (x: number) => truncatedNormalCdf(x, mean, sd, 0, 1);
const densityOf = (mean: number, sd: number) => (x: number) =>
  (cdfOf(mean, sd)(x + 1e-6) - cdfOf(mean, sd)(x - 1e-6)) / 2e-6;

test.each([
  [0, 3],
  [1, 3],
  [2, 3],
  [1, 4],
])(
  "before there are results, of trials that begin at level %i with an eta of %i one in 1 + eta^level is drawn uniformly, the others from the prior",
  (level, eta) => {
    const drawn = draws(line, [], { change: { eta, starts: Array.from({ length: COUNT }, () => level) } });
    const uniform = 1 / (1 + eta ** level);
    expect(drawn).toHaveLength(DRAWS);
    expectShare(shareOf(drawn, UNIFORM), uniform);
    expectShare(shareOf(drawn, PRIOR), 1 - uniform);
    const cdf = (x: number) => uniform * x + (1 - uniform) * cdfOf(0.8, 0.05)(x);
    expect(
      kolmogorovSmirnov(
        drawn.map(({ x }) => x[0]!),
        cdf,
      ),
    ).toBeGreaterThan(0.005);
  },
);

test("each trial of an ask is drawn for the level where it begins itself", () => {
  const starts = Array.from({ length: COUNT }, (_, i) => (i % 2) * 6);
  const drawn = draws(line, [], { change: { eta: 3, starts } });
  expectShare(
    shareOf(
      drawn.filter((_, i) => i % 2 === 1),
      UNIFORM,
    ),
    1 / (1 + 3 ** 6),
  );
  expect(
    shareOf(
      drawn.filter((_, i) => i % 2 === 0),
      UNIFORM,
    ),
  ).toBeGreaterThan(0.4);
});

test("without a scheduler half of the trials are drawn uniformly", () => {
  expectShare(shareOf(draws(line, []), UNIFORM), 1 / 2);
});

test("what is not uniform is split by how likely the best third is under the prior and around the best, by rank", () => {
  const xs = [0.5, 0.62, 0.1, 0.2, 0.05, 0.95];
  const rows = xs.map((x, number): HistoryRow => ({ number, x: [x], y: [number] }));
  const [first = 0, second = 0] = xs;
  const space = compileSpace({ x: believed(0.7, 0.1) });
  const score = (density: (x: number) => number) => 2 * density(first) + density(second);
  const [prior, around] = [score(densityOf(0.7, 0.1)), score(densityOf(first, 0.25))];
  const p = { prior: (0.5 * prior) / (prior + around), around: (0.5 * around) / (prior + around) };
  const drawn = draws(space, rows);
  expectShare(shareOf(drawn, UNIFORM), 0.5);
  expectShare(shareOf(drawn, PRIOR), p.prior);
  expectShare(shareOf(drawn, AROUND), p.around);
  const cdf = (x: number) => 0.5 * x + p.prior * cdfOf(0.7, 0.1)(x) + p.around * cdfOf(first, 0.25)(x);
  expect(
    kolmogorovSmirnov(
      drawn.map(({ x }) => x[0]!),
      cdf,
    ),
  ).toBeGreaterThan(0.005);
});

const cube = (d: number, parameter: ParameterDefinition): SpaceDefinition =>
  Object.fromEntries(Array.from({ length: d }, (_, i) => [`x${i}`, parameter]));

/** Nine results, the best three of them near 0.3 in every coordinate. */
const nearLow = (d: number): HistoryRow[] =>
  [0.3, 0.28, 0.33, 0.6, 0.7, 0.1, 0.9, 0.5, 0.05].map((u, number) => ({
    number,
    x: Array.from({ length: d }, () => u),
    y: [number],
  }));

test.each([1, 5, 100])(
  "in %i dimensions trust stays with a prior that is right, and leaves one that is wrong",
  (d) => {
    const right = draws(compileSpace(cube(d, believed(0.31))), nearLow(d));
    expect(shareOf(right, PRIOR)).toBeGreaterThan(0.35);
    expectShare(shareOf(right, UNIFORM), 1 / 2);
    const wrong = draws(compileSpace(cube(d, believed(0.9))), nearLow(d));
    expect(shareOf(wrong, AROUND)).toBeGreaterThan(0.45);
    expect(shareOf(wrong, PRIOR)).toBeLessThan(0.02);
  },
);

test("densities that no double can hold are compared all the same", () => {
  // Around 0.3 the density is e^0.59 per dimension, under this prior e^0.47.
  const d = 1700;
  const { proposals } = askAlgorithm({
    problem: problem(compileSpace(cube(d, believed(0.3, 0.3)))),
    choice: { name: "priorband" },
    history: buildHistory(compileSpace(cube(d, believed(0.3, 0.3))), 1, nearLow(d)),
    count: 20,
    seed: 1,
    firstNumber: 9,
  });
  expect(shareOf(proposals, AROUND)).toBeGreaterThan(0.2);
  expect(shareOf(proposals, PRIOR)).toBe(0);
});

test("around the best trial half of the parameters change; its choice has twice the weight of each other", () => {
  const space = compileSpace({
    x: { type: "float", low: 0, high: 1 },
    c: { type: "categorical", choices: ["a", "b", "d"], weights: [1, 1, 1e6] },
  });
  const rows = [0.4, 0.5, 0.6].map((x, number): HistoryRow => ({ number, x: [x, 0.5], y: [number] }));
  const drawn = draws(space, rows, { count: 1 }).filter(({ why }) => why === AROUND);
  // Both as in the best trial, which is drawn again: 3/4 of 1/2.
  const isNew = 1 - 0.5 * 0.75;
  const share = (choice: number) =>
    drawn.filter(({ x }) => Math.floor(x[1]! * 3) === choice).length / drawn.length;
  const within = 4 * Math.sqrt(0.25 / drawn.length);
  expect(Math.abs(share(1) - (0.75 * 0.5) / isNew)).toBeLessThan(within);
  expect(Math.abs(share(0) - 0.125 / isNew)).toBeLessThan(within);
  expect(Math.abs(share(2) - 0.125 / isNew)).toBeLessThan(within);
  const kept = drawn.filter(({ x }) => x[0] === 0.4).length / drawn.length;
  expect(Math.abs(kept - 0.125 / isNew)).toBeLessThan(within);
});

test("weights of choices and ordinals are priors too", () => {
  const choices = ["a", "b", "c", "d"];
  for (const type of ["categorical", "ordinal"] as const) {
    const trust = (weights: number[]) => {
      const space = compileSpace({ c: { type, choices, weights }, x: { type: "float", low: 0, high: 1 } });
      // All of the best trials have the first choice.
      const rows = Array.from({ length: 9 }, (_, number): HistoryRow => {
        const c = (0.5 + (number < 3 ? 0 : 3)) / 4;
        return { number, x: [c, 0.45 + number / 100], y: [number] };
      });
      return shareOf(draws(space, rows), PRIOR);
    };
    expect(trust([97, 1, 1, 1])).toBeGreaterThan(2 * trust([1, 1, 1, 1]));
    expect(trust([1, 33, 33, 33])).toBeLessThan(trust([1, 1, 1, 1]) / 2);
  }
});

test("a parameter that the best trial does not have comes from its prior, and speaks for neither source", () => {
  const space = compileSpace({
    x: { type: "float", low: 0, high: 1 },
    kind: { type: "categorical", choices: ["plain", "tuned"] },
    depth: { ...believed(0.9), when: { kind: ["tuned"] } },
  });
  // Of the two best trials only the second has a depth.
  const rows = [0, 1, 2, 3, 4, 5].map((number): HistoryRow => {
    const isTuned = number === 1;
    const x = [0.5 + number / 100, isTuned ? 0.75 : 0.25, isTuned ? 0.85 : Number.NaN];
    return { number, x, y: [number] };
  });
  const drawn = draws(space, rows);
  const [near, depth] = [densityOf(0.5, 0.25), densityOf(0.9, 0.05)];
  // Of two choices the best trial's is drawn with a probability of 2/3; the depth is as likely under both.
  const around = 2 * near(0.5) * (4 / 3) + near(0.51) * (2 / 3) * depth(0.85);
  const prior = 2 + depth(0.85);
  expectShare(shareOf(drawn, AROUND), (0.5 * around) / (around + prior));
  const depths = drawn.filter(({ why, x }) => why === AROUND && !Number.isNaN(x[2]!)).map(({ x }) => x[2]!);
  expect(kolmogorovSmirnov(depths, cdfOf(0.9, 0.05))).toBeGreaterThan(0.005);
});

/** Draws after so many trials of a ladder of 1, 3 and 9 have come to its lowest level only, and so many to the top. */
const onLadder = (low: number, top: number) => {
  const rows = Array.from({ length: low + top }, (_, number): HistoryRow => {
    const isDone = number < top;
    const kind = isDone ? TrialKind.completed : TrialKind.pruned;
    return { number, x: [0.3 + number / 1000], y: [number], kind, resource: isDone ? 9 : 1 };
  });
  const value = rows.flatMap(({ number }) => [number, ...Array(2).fill(number < top ? number : Number.NaN)]);
  const levels = { resources: [1, 3, 9], value: Float64Array.from(value) };
  return draws(line, rows, { change: { eta: 3 }, levels });
};

test("the best trial counts once one bracket's worth of resource is spent and a trial has come to the top", () => {
  // A bracket of nine trials, of which three go from 1 to 3 and one from 3 to 9, costs 9 + 3 * 2 + 6 = 21.
  expect(shareOf(onLadder(11, 1), AROUND)).toBe(0);
  expect(shareOf(onLadder(12, 1), AROUND)).toBeGreaterThan(0.3);
  expect(shareOf(onLadder(60, 0), AROUND)).toBe(0);
});

test("without a scheduler it counts from three results on", () => {
  expect(shareOf(draws(line, nearLow(1).slice(0, 2)), AROUND)).toBe(0);
  expect(shareOf(draws(line, nearLow(1).slice(0, 3)), AROUND)).toBeGreaterThan(0.3);
});

test("failed, running and infeasible trials are not the best", () => {
  const failed = { number: 9, x: [0.99], kind: TrialKind.failed };
  const running = { number: 10, x: [0.98] };
  const infeasible = { number: 11, x: [0.97], y: [-5], violation: 1 };
  const change = { eta: 3, starts: Array.from({ length: COUNT }, () => 6) };
  const rows = [...nearLow(1), failed, running, infeasible];
  const drawn = draws(compileSpace({ x: believed(0.9) }), rows, { change });
  const around = drawn.filter(({ why }) => why === AROUND).map(({ x }) => x[0]!);
  expect(kolmogorovSmirnov(around, cdfOf(0.3, 0.25))).toBeGreaterThan(0.005);
});

test("of several objectives the whole front is drawn around", () => {
  const space = compileSpace(cube(2, believed(0.95, 0.02)));
  const front = [0.1, 0.3, 0.5];
  const rows = Array.from({ length: 12 }, (_, number): HistoryRow => {
    const u = front[number];
    return u === undefined
      ? { number, x: [0.7, 0.6 + number / 100], y: [5 + number, 5 + number] }
      : { number, x: [u, 0.2], y: [u, 1 - u] };
  });
  const drawn = draws(space, rows, { change: { objectives: 2 } }).filter(({ why }) => why === AROUND);
  const keptOf = (u: number) => drawn.filter(({ x }) => x[0] === u).length / drawn.length;
  for (const u of front) expect(keptOf(u)).toBeGreaterThan(0.05);
});

/** Trials until one is within a short distance of (0.3, 0.3, 0.3), on average over seeds. */
const trialsToFind = (name: "priorband" | "random", space: Space): number => {
  const seeds = 20;
  let total = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const rows: HistoryRow[] = [];
    for (let best = Infinity; best > 0.15 && rows.length < 1000; ) {
      const [proposal] = askAlgorithm({
        problem: problem(space),
        choice: { name },
        history: buildHistory(space, 1, rows),
        count: 1,
        seed,
        firstNumber: rows.length,
      }).proposals;
      const distance = Math.hypot(...Array.from(proposal!.x, (u) => u - 0.3));
      best = Math.min(best, distance);
      rows.push({ number: rows.length, x: proposal!.x, y: [distance] });
    }
    total += rows.length / seeds;
  }
  return total;
};

test("a good prior is found sooner than at random, and a bad one costs less than twice random's trials", () => {
  const random = trialsToFind("random", compileSpace(cube(3, { type: "float", low: 0, high: 1 })));
  const good = trialsToFind("priorband", compileSpace(cube(3, believed(0.35, 0.1))));
  const bad = trialsToFind("priorband", compileSpace(cube(3, believed(0.9, 0.1))));
  expect(good).toBeLessThan(random / 2);
  expect(bad).toBeLessThan(2 * random);
});
