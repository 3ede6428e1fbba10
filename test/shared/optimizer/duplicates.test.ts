import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { buildHistory, type HistoryRow } from "../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../../shared/optimizer/registry.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { sampleCube } from "../../../shared/space/sample.ts";
import { searchingNames } from "../../support/algorithms.ts";

/** Configurations that users tell more than once, or nearly so. */

const names = searchingNames;
const float = { type: "float", low: 0, high: 1 } as const;
const space = compileSpace({
  a: float,
  b: float,
  c: float,
  kind: { type: "categorical", choices: ["x", "y", "z"] },
});
const bowl = (x: ArrayLike<number>) =>
  [0.7, 0.3, 0.4, 0.5].reduce((sum, best, j) => sum + (x[j]! - best) ** 2, 0);
const randomRows = (count: number, seed: number, costOf: (x: Float64Array) => number): HistoryRow[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, number) => {
    const x = sampleCube(space, random);
    return { number, x, y: [costOf(x)] };
  });
};
const ask = (name: AlgorithmName, rows: readonly HistoryRow[], firstNumber = 500, count = 2) =>
  askAlgorithm({
    problem: { space, objectives: 1, budget: { trials: 1000, parallel: 4 } },
    // Stages short enough that these trials fill them.
    choice: name === "harmonica" ? { name, stages: 2, samples: 12, degree: 2, monomials: 3 } : { name },
    history: buildHistory(space, 1, rows),
    count,
    seed: 3,
    firstNumber,
  }).proposals;

/** The process alone knows that the mean of several results has less noise. */
const knowsNoise = (name: AlgorithmName) => name === "gp" || name === "auto";

test.each(names.filter((name) => !knowsNoise(name)))(
  "%s: duplicates are one point with the mean of their results, in either direction and whatever their number",
  (name) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 39 }),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(1, -1),
        fc.constantFrom(0, 1e-16, -3e-17),
        fc.constantFrom(0, 0.5),
        (row, copies, direction, rounding, noise) => {
          const once = randomRows(40, 1, (x) => direction * bowl(x));
          const { x, y } = once[row]!;
          const moved = Float64Array.from(x, (u, j) => (j < 3 ? u + rounding : u));
          // In pairs above and below, so that the mean stays; 2 ** -n, so that it stays to the last digit.
          const again = Array.from({ length: 2 * copies }, (_, i): HistoryRow => {
            const value = Math.fround(y![0]!) + (i % 2 === 0 ? noise : -noise);
            return { number: 40 + i, x: moved, y: [value] };
          });
          const rows = once.map((one) => ({ ...one, y: [Math.fround(one.y![0]!)] }));
          const points = (some: readonly HistoryRow[]) =>
            ask(name, some).map((proposal) => Array.from(proposal.x, (u) => u.toFixed(6)));
          expect(points([...rows, ...again])).toEqual(points(rows));
        },
      ),
      { numRuns: 6, seed: 7 },
    );
  },
);

test("gp: of a point with many results the mean counts more than a single result", () => {
  const rows = randomRows(20, 2, bowl);
  const random = createRandom(5);
  const noisy = rows.map((row) => ({ ...row, y: [bowl(row.x) + 0.3 * random.normal()] }));
  const { x } = noisy[0]!;
  const again = Array.from({ length: 60 }, (_, i) => ({ number: 20 + i, x, y: [bowl(x)] }));
  const proposals = ask("gp", [...noisy, ...again], 81);
  expect(proposals.map(({ why }) => why)).not.toContain("fallback");
  expect(proposals.map((one) => [...one.x])).not.toEqual(ask("gp", noisy, 81).map((one) => [...one.x]));
});

/** The lowest result of some trials that follow known ones. */
const searched = (name: AlgorithmName, known: readonly HistoryRow[], trials: number) => {
  const rows = [...known];
  for (let i = 0; i < trials; i++) {
    const [proposal] = ask(name, rows, rows.length, 1);
    if (proposal === undefined) break;
    expect(proposal.why).not.toBe("fallback");
    rows.push({ number: rows.length, x: proposal.x, y: [bowl(proposal.x)] });
  }
  return Math.min(...rows.slice(known.length).map(({ y }) => y![0]!));
};

test.each(["tpe", "gp", "rbf", "smac", "auto"] as const)(
  "%s is not misled by a mediocre configuration that was imported sixty times",
  (name) => {
    const x = Float64Array.of(0.4, 0.6, 0.7, 5 / 6);
    const known = Array.from({ length: 60 }, (_, number) => ({ number, x, y: [bowl(x)] }));
    expect(bowl(x)).toBeGreaterThan(0.3);
    expect(searched(name, known, 30)).toBeLessThan(0.05);
  },
);

test.each(names)("%s proposes with its model beside points that are nearly equal", (name) => {
  for (const distance of [0, 2 ** -54, 1e-12, 1e-9, 1e-7, 1e-6, 1e-5]) {
    const rows = randomRows(12, 4, bowl);
    const pairs = rows.slice(0, 6).flatMap((row, i): HistoryRow[] => {
      const x = Float64Array.from(row.x, (u, j) => (j < 3 ? Math.min(1, u + distance) : u));
      return [row, { number: 100 + i, x, y: [bowl(x)] }];
    });
    for (const firstNumber of [200, 201, 202]) {
      const proposals = ask(name, [...pairs, ...rows.slice(6)], firstNumber);
      if (name !== "grid") expect(proposals).toHaveLength(2);
      for (const { why } of proposals) expect(why, String(distance)).not.toBe("fallback");
    }
  }
});
