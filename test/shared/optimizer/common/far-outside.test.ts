import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { limitOf, penaltiesAsFailures } from "../../../../shared/optimizer/common/far-outside.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../../../shared/optimizer/registry.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";
import { searchingNames } from "../../../support/algorithms.ts";
import { spaceNamed } from "../../../support/spaces.ts";

const limit = (...values: number[]) => limitOf(Float64Array.from(values));

test.each<[string, number[], number]>([
  ["a penalty", [5, 60, 17, 1e10], 60],
  ["one penalty for most trials", [5, 60, ...Array(18).fill(1e10)], 60],
  ["penalties of several sizes", [5, 60, 17, 40, 1e4, 1e10, 1e100, 1.7e308], 60],
  ["penalties that differ", [5, 60, 17, 2e10, 9e9, 4e10, 1e11], 60],
  ["a penalty beside tiny results", [3e-12, 1e-12, 2e-12, 4e-12, 1], 4e-12],
  ["a penalty among negative results", [-5, -60, -17, -1, 1e9], -1],
])("%s is far outside", (_, values, expected) => {
  expect(limit(...values)).toBe(expected);
});

test.each<[string, number[]]>([
  ["nothing", []],
  ["a constant", [4, 4, 4, 4]],
  ["a constant and one better value", [4, 4, 4, 1]],
  ["a constant and one worse value", [4, 4, 4, 9]],
  ["two values, however far apart", [1, 1e100]],
  ["the first few values, two of them close by chance", [10, 10.1, 60, 70]],
  ["a long tail", [0.01, 0.3, 2, 40, 900, 2e4, 1e5]],
  ["a converged search", [1e-9, 2e-9, 4e-9, 1e-7, 1e-5, 0.5, 3, 9, 40, 70]],
  ["a search that has converged at once", [1e-7, 2e-7, 3e-7, 4e-7, 5e-7, 0.5, 3, 9, 40, 70]],
  ["one value far better than all others", [-1e10, 1, 2, 3, 4]],
])("%s has nothing far outside", (_, values) => {
  expect(limit(...values)).toBe(Infinity);
});

test("what is far outside depends on neither order nor unit", () => {
  const results = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 40 });
  fc.assert(
    fc.property(results, fc.integer({ min: -900, max: 900 }), fc.nat(40), (rest, order, penalties) => {
      const values = [...rest, ...Array<number>(penalties).fill(1e9)];
      const unit = 2 ** order;
      // Beside the penalties all results may be equal, or two of them much closer than all others.
      const whole = limit(...values);
      expect(limit(...values.toReversed())).toBe(whole);
      expect(limit(...values.map((v) => v * unit)) / unit).toBe(whole);
    }),
  );
});

test("penalties of any size and number are found beside results that differ", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(60),
      fc.double({ min: 4.5, max: 300, noNaN: true }),
      (seed, count, order) => {
        const own = createRandom(seed % 2 ** 32);
        const rest = [0, 1, ...Array.from({ length: 8 }, () => own.uniform())];
        const penalties = Array.from({ length: count + 1 }, () => 10 ** order * (1 + own.uniform()));
        expect(limit(...rest, ...penalties)).toBe(1);
      },
    ),
  );
});

const float = { type: "float", low: -5, high: 5 } as const;
const square = { ...spaceNamed("one float"), space: compileSpace({ a: float, b: float, c: float }) };

interface Case {
  readonly objectives: number;
  readonly seed: number;
  readonly trials: number;
  /** The share of the trials that are penalised. */
  readonly share: number;
  readonly unit: number;
}

/** A bowl per objective; a row that is penalised has what `end` says. */
const rowsOf = (
  { objectives, seed, trials, share, unit }: Case,
  end: (worst: number) => Partial<HistoryRow>,
) => {
  const random = createRandom(seed, 5);
  return Array.from({ length: trials }, (_, number): HistoryRow => {
    const x = sampleCube(square.space, random);
    // The first three have results, so that there is a rest to be far outside of.
    if (number >= 3 && random.uniform() < share) return { number, x, ...end(30 * unit) };
    const y = Array.from({ length: objectives }, (_, j) =>
      x.reduce((sum, u, i) => sum + unit * (1 + i) * (u - 0.3 - 0.2 * j) ** 2, 0),
    );
    return { number, x, y };
  });
};

const proposalsOf = (name: AlgorithmName, objectives: number, rows: readonly HistoryRow[]) =>
  askAlgorithm({
    problem: { space: square.space, objectives, budget: { trials: 60, parallel: 2 } },
    choice: { name },
    history: buildHistory(square.space, objectives, rows),
    count: 2,
    seed: 4,
    firstNumber: rows.length,
  }).proposals.map(({ x, why }) => ({ x: [...x], why }));

const anyCase = fc.record({
  objectives: fc.constantFrom(1, 1, 2, 3),
  seed: fc.nat(1e6),
  trials: fc.integer({ min: 12, max: 70 }),
  share: fc.constantFrom(0.05, 0.5, 0.8),
  unit: fc.constantFrom(1e-12, 1, 1e12),
});

describe.each(searchingNames)("%s", (name) => {
  test("a penalty of any size, in any objective, costs what a failure costs", () => {
    fc.assert(
      fc.property(anyCase, fc.constantFrom(1e5, 1e10, 1e100), fc.nat(2), (one, size, which) => {
        const { objectives } = one;
        const failed = rowsOf(one, () => ({ kind: TrialKind.failed }));
        const penalised = rowsOf(one, (worst) => ({
          y: Array.from({ length: objectives }, (_, j) =>
            j === which % objectives ? size * worst : worst / 40,
          ),
        }));
        const last = proposalsOf(name, objectives, failed);
        expect(proposalsOf(name, objectives, penalised)).toEqual(last);
      }),
      { numRuns: 12 },
    );
  });

  test("the unit of the results changes nothing but roundings, in each objective", () => {
    fc.assert(
      fc.property(anyCase, fc.integer({ min: -300, max: 300 }), (one, order) => {
        const rows = rowsOf({ ...one, unit: 1 }, () => ({ kind: TrialKind.failed }));
        // A power of two changes no digit.
        const scaled = rows.map((row) => ({
          ...row,
          ...(row.y && { y: Array.from(row.y, (v, j) => v * 2 ** (j === 0 ? order : -order)) }),
        }));
        expect(proposalsOf(name, one.objectives, scaled)).toEqual(proposalsOf(name, one.objectives, rows));
      }),
      { numRuns: 8 },
    );
  });

  test("a constant objective, and one result among failures, are searched on without a fallback", () => {
    const rows = rowsOf({ objectives: 1, seed: 1, trials: 30, share: 0, unit: 1 }, () => ({}));
    const constant = rows.map((row) => ({ ...row, y: [0.1] }));
    const one = rows.map(({ number, x, y = null }) =>
      number === 7 ? { number, x, y } : { number, x, kind: TrialKind.failed },
    );
    for (const history of [constant, one]) {
      const proposals = proposalsOf(name, 1, history);
      expect(proposals.length).toBeGreaterThan(0);
      for (const { why } of proposals) expect(why).not.toContain("fallback");
    }
  });
});

test("a history without anything far outside is handed on as it is, and a changed one shares its columns", () => {
  const space = square.space;
  const plain = buildHistory(
    space,
    1,
    rowsOf({ objectives: 1, seed: 2, trials: 20, share: 0, unit: 1 }, () => ({})),
  );
  expect(penaltiesAsFailures(plain, 1)).toBe(plain);
  const rows = rowsOf({ objectives: 1, seed: 2, trials: 20, share: 0.5, unit: 1 }, () => ({ y: [1e10] }));
  const given = buildHistory(space, 1, rows);
  const kinds = [...given.kind];
  const seen = penaltiesAsFailures(given, 1);
  expect([...given.kind]).toEqual(kinds);
  expect(seen.x).toBe(given.x);
  expect([...seen.kind]).toEqual(
    rows.map(({ y }) => (y?.[0] === 1e10 ? TrialKind.failed : TrialKind.completed)),
  );
});
