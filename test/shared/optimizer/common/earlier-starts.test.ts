import { expect, test } from "vitest";
import { type EarlierResults, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { earlierStarts, STARTS } from "../../../../shared/optimizer/common/earlier-starts.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

/** Which of the first trials of a study are configurations of earlier ones. */

const space = compileSpace({ x: { type: "float", low: 0, high: 1 }, y: { type: "float", low: 0, high: 1 } });
const earlier: EarlierResults = {
  n: 4,
  x: Float64Array.of(0.1, 0.2, 0.12, 0.22, 0.5, 0.6, 0.9, 0.3),
  y: Float64Array.of(1, 2, 3, 4),
  unknown: new Uint8Array(2),
};
const starts = earlierStarts(space, [earlier]);

/** For each of the proposed trials, which start it is, or null. */
const asked = (rows: readonly HistoryRow[], count = 1, objectives = 1): (number | null)[] =>
  askAlgorithm({
    problem: { space, objectives, budget: { trials: 50, parallel: 4 }, earlier: [earlier] },
    choice: { name: "tpe" },
    history: buildHistory(space, objectives, rows),
    count,
    seed: 1,
    firstNumber: rows.length,
  }).proposals.map(({ x }) => {
    const place = starts.findIndex((start) => start.every((u, j) => u === x[j]));
    return place < 0 ? null : place;
  });

/** Trials in turn: a start, one of the algorithm's own, and so on, with these values. */
const trials = (...values: readonly (number | "failed" | "running")[]): HistoryRow[] =>
  values.map((value, number) => ({
    number,
    x: number % 2 === 0 ? starts[number / 2]! : [0.7, 0.05 * number],
    ...(value === "failed" && { kind: TrialKind.failed }),
    ...(typeof value === "number" && { y: [value] }),
  }));

test("starts are the best configurations, and none is near another", () => {
  expect(starts.map((x) => [...x])).toEqual([
    [0.1, 0.2],
    [0.5, 0.6],
    [0.9, 0.3],
  ]);
});

test("every second trial is a start, until there is none left", () => {
  expect(asked([])).toEqual([0]);
  expect(asked(trials(1))).toEqual([null]);
  expect(asked(trials(1, 2))).toEqual([1]);
  expect(asked(trials(1, 2, 3, 4))).toEqual([2]);
  expect(asked(trials(1, 2, 3, 4, 5, 6))).toEqual([null]);
  expect(asked([], 8)).toEqual([0, null, 1, null, 2, null, null, null]);
  expect(asked(trials("running", "running"), 3)).toEqual([1, null, 2]);
});

test("starts end as soon as they have fallen behind, and come again when they lead", () => {
  expect(asked(trials(2, 1), 6)).toEqual(Array(6).fill(null));
  expect(asked(trials(2, 1, "running", "running"))).toEqual([null]);
  expect(asked(trials("failed", 1))).toEqual([null]);
  expect(asked(trials(2, 1, 0.5, "running"))).toEqual([2]);
  expect(asked(trials(1, 1))).toEqual([1]);
  expect(asked(trials(1, "failed"))).toEqual([1]);
  expect(asked(trials("failed", "failed"))).toEqual([1]);
});

test("the algorithm's own trials are those that it would begin with, in their order", () => {
  const problem = { space, objectives: 1, budget: { trials: 50, parallel: 4 } };
  const ask = { choice: { name: "gp" }, count: 1, seed: 1 } as const;
  const without: Float64Array[] = [];
  const own: Float64Array[] = [];
  const [cold, warm]: [HistoryRow[], HistoryRow[]] = [[], []];
  for (let number = 0; number < 4; number++) {
    const next = (rows: readonly HistoryRow[], given: object) =>
      askAlgorithm({
        ...{ ...ask, problem: { ...problem, ...given }, history: buildHistory(space, 1, rows) },
        firstNumber: number,
      }).proposals[0]!.x;
    const [x, y] = [next(cold, {}), next(warm, { earlier: [earlier] })];
    without.push(x);
    if (number % 2 === 1) own.push(y);
    // Nothing has a result yet.
    cold.push({ number, x });
    warm.push({ number, x: y });
  }
  expect(own).toEqual(without.slice(0, 2));
});

test("with several objectives nobody falls behind", () => {
  const rows = trials(2, 1).map((row) => ({ ...row, y: [...(row.y as number[]), 0] }));
  expect(asked(rows, 1, 2)).toEqual([1]);
});

test("a start that was tried already is not tried again", () => {
  expect(asked([{ number: 0, x: starts[0]!, y: [1] }, ...trials(1, 2).slice(1)])).toEqual([1]);
  const imported = starts.map((x, number) => ({ number, x, y: [number] }));
  expect(asked(imported, 2)).toEqual([null, null]);
  expect(STARTS).toBe(3);
});
