import fc from "fast-check";
import { expect, test } from "vitest";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { nonDominated } from "../../../../shared/optimizer/tpe/non-dominated.ts";
import { countRanked, split } from "../../../../shared/optimizer/tpe/split.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

const space = compileSpace({ x: { type: "float", low: 0, high: 1 } });

const historyOf = (rows: Partial<HistoryRow>[], objectives = 1) =>
  buildHistory(
    space,
    objectives,
    rows.map((row, number) => ({ number, x: [0.5], ...row })),
  );

test("a tenth of the trials, at most 25, are good: those with the least values, best first", () => {
  const values = Array.from({ length: 300 }, (_, i) => (i * 7919) % 300);
  const { good, bad, running } = split(historyOf(values.map((y) => ({ y: [y] }))), 1);
  expect(good.map((row) => values[row])).toEqual(Array.from({ length: 25 }, (_, i) => i));
  expect(bad).toHaveLength(275);
  expect(running).toEqual([]);
  expect(split(historyOf(values.slice(0, 41).map((y) => ({ y: [y] }))), 1).good).toHaveLength(5);
});

test("completed before pruned before infeasible; failed ones are never good; running ones stand apart", () => {
  const rows: Partial<HistoryRow>[] = [
    { y: [0], violation: 2 },
    { y: [0], violation: 1 },
    { y: [0], violation: Number.NaN },
    { y: [5], kind: TrialKind.pruned, resource: 3 },
    { y: [9], kind: TrialKind.pruned, resource: 9 },
    { y: [1], kind: TrialKind.pruned, resource: 3 },
    { y: [100] },
    { kind: TrialKind.failed },
    { kind: TrialKind.running },
    { y: [Number.NaN] },
  ];
  // Ten times over, so that seven of seventy ranked trials are good: all ten completed ones would be.
  const seven = (from: Partial<HistoryRow>[]) => {
    const history = historyOf(Array.from({ length: 10 }, () => from).flat());
    return new Set(split(history, 1).good.map((row) => row % from.length));
  };
  expect(countRanked(historyOf(rows), 1)).toBe(7);
  expect(seven(rows)).toEqual(new Set([6]));
  const without = (...indices: number[]) =>
    rows.map((row, i) => (indices.includes(i) ? { kind: TrialKind.failed } : row));
  expect(seven(without(6))).toEqual(new Set([4]));
  expect(seven(without(4, 6))).toEqual(new Set([5]));
  expect(seven(without(4, 5, 6))).toEqual(new Set([3]));
  expect(seven(without(3, 4, 5, 6))).toEqual(new Set([1]));
  expect(seven(without(1, 3, 4, 5, 6))).toEqual(new Set([0]));
  const { bad, running } = split(historyOf(rows), 1);
  expect(running).toEqual([8]);
  expect(bad).toContain(7);
  expect(bad).toContain(9);
});

const dominates = (a: number[], b: number[]) => a.every((v, j) => v <= b[j]!) && a.some((v, j) => v < b[j]!);

test("of several objectives, nothing is taken that a trial left out dominates", () => {
  const point = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(point, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 40 }),
      (points, count) => {
        const y = Float64Array.from(points.flat());
        const taken = nonDominated([...points.keys()], count, y, 3);
        expect(taken).toHaveLength(Math.min(count, points.length));
        expect(new Set(taken).size).toBe(taken.length);
        for (const row of taken) {
          for (const [other, values] of points.entries()) {
            if (!taken.includes(other)) expect(dominates(values, points[row]!)).toBe(false);
          }
        }
      },
    ),
  );
});

test("of a front that is too long, those taken lie apart, the ends among them", () => {
  const points = Array.from({ length: 101 }, (_, i) => [i, 100 - i]);
  const taken = nonDominated([...points.keys()], 5, Float64Array.from(points.flat()), 2);
  expect([...taken].sort((a, b) => a - b)).toEqual([0, 25, 50, 75, 100]);
});
