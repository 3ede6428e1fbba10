import { describe, expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import {
  type EarlierResults,
  type Problem,
  type Proposal,
  TrialKind,
} from "../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../../shared/optimizer/registry.ts";
import { fromCube, snap, toCube } from "../../../shared/space/cube.ts";
import { sampleCube } from "../../../shared/space/sample.ts";
import type { Space } from "../../../shared/space/space.ts";
import { validateConfiguration } from "../../../shared/space/validate.ts";
import { configurationKey } from "../configuration-key.ts";
import { type NamedSpace, nearlyEmpty, spaceNamed, spaces } from "../spaces.ts";

/** What must hold for every algorithm, on every space. Run for each entry of the registry. */

export const problemOf = ({ space }: NamedSpace, change: Partial<Problem> = {}): Problem => ({
  space,
  objectives: 1,
  budget: { trials: 60, parallel: 8 },
  ...change,
});

/** One value per objective of a configuration: the squared distance to a point, with a constant for inactive parameters. */
const valuesOf = (x: Float64Array, objectives: number): number[] =>
  Array.from({ length: objectives }, (_, j) =>
    x.reduce((sum, u) => sum + (Number.isNaN(u) ? 0.1 : (u - 0.2 - 0.3 * j) ** 2), 0),
  );

/** Results of an earlier study that knew nothing of the last parameters. */
const earlierOf = (space: Space, n: number, seed: number, unknown: number): EarlierResults => {
  const random = createRandom(seed, n);
  const d = space.parameters.length;
  const isUnknown = Uint8Array.from({ length: d }, (_, j) => Number(j >= d - unknown));
  const points = Array.from({ length: n }, () => sampleCube(space, random));
  const sorted = points
    .map((x) => ({ x: x.map((u, j) => (isUnknown[j] ? Number.NaN : u)), y: valuesOf(x, 1)[0]! }))
    .sort((a, b) => a.y - b.y);
  return {
    n,
    x: Float64Array.from(sorted.flatMap(({ x }) => [...x])),
    y: Float64Array.from(sorted, ({ y }) => y),
    unknown: isUnknown,
  };
};

export interface Simulation {
  readonly trials: number;
  readonly seed: number;
  /** What a trial that ends becomes; completed if left out. */
  readonly end?: (number: number) => Partial<HistoryRow>;
}

/**
 * Runs a study with several askers at once: asks of one to four trials and ends of running trials in random order.
 * Every ask is checked against what is running at that moment.
 * @returns the rows in order of their numbers; fewer than `trials` when the algorithm had no more.
 */
export const simulate = (
  name: AlgorithmName,
  named: NamedSpace,
  problem: Problem,
  { trials, seed, end = () => ({}) }: Simulation,
): HistoryRow[] => {
  const { space } = named;
  const random = createRandom(seed, 99);
  const rows: HistoryRow[] = [];
  const running: number[] = [];
  while (rows.length < trials) {
    if (running.length > 0 && (running.length >= 8 || random.uniform() < 0.4)) {
      const [number = 0] = running.splice(random.integer(running.length), 1);
      const row = rows[number]!;
      const ended = {
        kind: TrialKind.completed,
        y: valuesOf(row.x as Float64Array, problem.objectives),
        ...end(number),
      };
      rows[number] = { ...row, ...ended };
      continue;
    }
    const count = Math.min(trials - rows.length, 1 + random.integer(4));
    const history = buildHistory(space, problem.objectives, rows);
    const proposals = askAlgorithm({
      problem,
      choice: { name },
      history,
      count,
      seed,
      firstNumber: rows.length,
    }).proposals;
    const busy = new Set(running.map((number) => configurationKey(fromCube(space, rows[number]!.x))));
    for (const { x } of proposals) {
      const key = configurationKey(fromCube(space, x));
      expect(busy.has(key)).toBe(false);
      busy.add(key);
      running.push(rows.length);
      rows.push({ number: rows.length, x, kind: TrialKind.running });
    }
    if (proposals.length < count) break;
  }
  return rows;
};

const expectSound = (named: NamedSpace, name: AlgorithmName, { x, algorithm: origin, why }: Proposal) => {
  const { space } = named;
  const params = fromCube(space, x);
  validateConfiguration(space, params, "");
  expect([...snap(space, x)]).toEqual([...x]);
  const back = toCube(space, params);
  for (const [i, u] of x.entries()) {
    if (Number.isNaN(u)) expect(back[i]).toBeNaN();
    else expect(back[i]).toBeCloseTo(u, 9);
  }
  expect(why.length).toBeGreaterThan(0);
  if (name === "auto") expect(origin).not.toBe("auto");
  else expect(origin).toBe(name);
};

/** Trials that ended in every way. */
const mixedEnds = (number: number): Partial<HistoryRow> => {
  if (number % 5 === 1) return { kind: TrialKind.failed, y: null };
  if (number % 5 === 2) return { kind: TrialKind.pruned, resource: 1 + (number % 3) };
  if (number % 5 === 3) return { violation: number % 2 };
  return {};
};

/** Algorithms whose asks are too quick to be cut short. */
const QUICK: readonly string[] = ["random", "sobol", "grid", "gradient"];
/** Looks at the clock after which it is late. */
const LOOKS = [0, 1, 2, 5, 20];

export const algorithmContract = (name: AlgorithmName): void => {
  describe.each(spaces.map((named) => [named.name, named] as const))(`${name} on %s`, (_, named) => {
    const { space } = named;
    const empty = buildHistory(space, 1, []);

    test("proposes valid, allowed configurations from the first ask on", () => {
      const proposals = askAlgorithm({
        problem: problemOf(named),
        choice: { name },
        history: empty,
        count: 12,
        seed: 1,
        firstNumber: 0,
      }).proposals;
      if (name !== "grid") expect(proposals).toHaveLength(Math.min(12, named.size));
      for (const proposal of proposals) expectSound(named, name, proposal);
    });

    test("proposes nothing that is running, whoever asks, and goes on proposing valid configurations", () => {
      const rows = simulate(name, named, problemOf(named), { trials: 40, seed: 3 });
      if (named.size >= 40 && name !== "grid") expect(rows).toHaveLength(40);
      for (const { x } of rows) validateConfiguration(space, fromCube(space, x), "");
    });

    test("handles failed, pruned and infeasible trials, and with trials that all failed", () => {
      simulate(name, named, problemOf(named), { trials: 30, seed: 4, end: mixedEnds });
      const failed = { kind: TrialKind.failed, y: null };
      simulate(name, named, problemOf(named), { trials: 25, seed: 5, end: () => failed });
    });

    test("with results of earlier studies proposals are the same again, valid, and nothing is tried twice", () => {
      const earlier = [earlierOf(space, 20, 1, 0), earlierOf(space, 3, 1, space.parameters.length - 1)];
      const problem = problemOf(named, { earlier });
      const rows = simulate(name, named, problem, { trials: 24, seed: 8 });
      const before = structuredClone(earlier);
      const ask = (firstNumber: number) =>
        askAlgorithm({
          problem,
          choice: { name },
          history: buildHistory(space, 1, rows.slice(0, firstNumber)),
          count: 3,
          seed: 8,
          firstNumber,
        }).proposals;
      for (const firstNumber of [0, 2, rows.length]) {
        const proposals = ask(firstNumber);
        expect(ask(firstNumber)).toEqual(proposals);
        for (const proposal of proposals) expectSound(named, name, proposal);
      }
      expect(earlier).toEqual(before);
    });

    test("handles three objectives", () => {
      simulate(name, named, problemOf(named, { objectives: 3 }), {
        trials: 30,
        seed: 6,
        end: mixedEnds,
      });
    });

    test("gives the same answer to the same question, and leaves the history alone", () => {
      const rows = simulate(name, named, problemOf(named), { trials: 20, seed: 7 });
      const ask = () =>
        askAlgorithm({
          problem: problemOf(named),
          choice: { name },
          history,
          count: 3,
          seed: 7,
          firstNumber: rows.length,
        }).proposals;
      const history = buildHistory(space, 1, rows);
      const first = ask();
      expect(history).toEqual(buildHistory(space, 1, rows));
      expect(ask()).toEqual(first);
    });
  });

  const finite = spaces.filter(({ size }) => size < Number.POSITIVE_INFINITY);
  test.each(finite.map((named) => [named.name, named] as const))(
    `${name} tries %s out to the last configuration, each once, and then stops`,
    (_, named) => {
      const problem = problemOf(named, { budget: { trials: 1000, parallel: 8 } });
      const rows = simulate(name, named, problem, { trials: 1000, seed: 8 });
      const keys = new Set(rows.map(({ x }) => configurationKey(fromCube(named.space, x))));
      expect(rows).toHaveLength(named.size);
      expect(keys.size).toBe(named.size);
    },
  );

  test(`${name}: whenever time runs out, an ask answers valid, new trials, and marks those cut short`, () => {
    const random = createRandom(9);
    for (const named of [spaces[0]!, spaceNamed("nested conditions")]) {
      const { space } = named;
      for (const objectives of [1, 2]) {
        const rows = Array.from({ length: 60 }, (_, number): HistoryRow => {
          const x = sampleCube(space, random);
          return number < 56 ? { number, x, y: valuesOf(x, objectives) } : { number, x };
        });
        const history = buildHistory(space, objectives, rows);
        const tried = new Set(rows.map(({ x }) => configurationKey(fromCube(space, x))));
        for (const most of LOOKS) {
          let looks = 0;
          const isLate = () => ++looks > most;
          const problem = problemOf(named, { objectives, budget: { trials: 80, parallel: 8 } });
          const { proposals } = askAlgorithm({
            problem,
            choice: { name },
            history,
            count: 4,
            seed: 1,
            firstNumber: 60,
            isLate,
          });
          if (!QUICK.includes(name)) expect(looks).toBeGreaterThan(0);
          if (name !== "grid") expect(proposals).toHaveLength(4);
          for (const proposal of proposals) expectSound(named, name, proposal);
          const keys = proposals.map(({ x }) => configurationKey(fromCube(space, x)));
          expect(new Set([...tried, ...keys]).size).toBe(tried.size + proposals.length);
          const isMarked = proposals.some(({ cutShort }) => cutShort);
          expect(isMarked).toBe(looks > most);
        }
      }
    }
  });

  test(`${name}: where almost nothing is allowed, an ask that runs out of time answers with what it has, at once`, () => {
    const named = nearlyEmpty;
    for (const most of LOOKS) {
      let looks = 0;
      const { proposals, isExhausted } = askAlgorithm({
        problem: problemOf(named),
        choice: { name },
        history: buildHistory(named.space, 1, []),
        count: 90,
        seed: 1,
        firstNumber: 0,
        isLate: () => ++looks > most,
      });
      expect(proposals.length).toBeGreaterThan(0);
      for (const proposal of proposals) expectSound(named, name, proposal);
      if (looks > most) expect(isExhausted).toBe(false);
    }
  });

  test(`${name}: another seed gives other trials, unless it is the grid`, () => {
    const named = spaces[0]!;
    const ask = (seed: number) =>
      askAlgorithm({
        problem: problemOf(named),
        choice: { name },
        history: buildHistory(named.space, 1, []),
        count: 2,
        seed,
        firstNumber: 0,
      }).proposals.map(({ x }) => [...x]);
    if (name === "grid") expect(ask(1)).toEqual(ask(2));
    else expect(ask(1)).not.toEqual(ask(2));
  });

  test(`${name}: trial numbers lead to different trials on the same history`, () => {
    const named = spaces[0]!;
    const ask = (number: number) =>
      askAlgorithm({
        problem: problemOf(named),
        choice: { name },
        history: buildHistory(named.space, 1, []),
        count: 1,
        seed: 1,
        firstNumber: number,
      }).proposals.map(({ x }) => [...x]);
    if (name === "grid") expect(ask(1)).toEqual(ask(2));
    else expect(ask(1)).not.toEqual(ask(2));
  });
};
