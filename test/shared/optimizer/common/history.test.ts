import { expect, test } from "vitest";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

test("rows may come in any order, and a history says which are running", () => {
  const space = compileSpace({ n: { type: "int", low: 1, high: 9 } });
  const history = buildHistory(space, 2, [
    { number: 7, x: [0.5] },
    { number: 3, x: [0.1], y: [1, 2], violation: 4 },
    { number: 5, x: [0.9], kind: TrialKind.failed, resource: 6 },
  ]);
  expect([...history.number]).toEqual([3, 5, 7]);
  expect([...history.kind]).toEqual([TrialKind.completed, TrialKind.failed, TrialKind.running]);
  expect([...history.y]).toEqual([1, 2, Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  expect([...history.violation]).toEqual([4, Number.NaN, Number.NaN]);
  expect([...history.resource]).toEqual([Number.NaN, 6, Number.NaN]);
});

const space = compileSpace({ a: { type: "float", low: 0, high: 1 }, b: { type: "float", low: 0, high: 1 } });
const plain = (number: number): HistoryRow => ({ number, x: [0.1, 0.2] });

test("the optional columns are absent when no trial has a value for them", () => {
  const history = buildHistory(space, 1, [plain(0), { ...plain(1), y: [3], resource: 9 }]);
  expect(Object.keys(history).sort()).toEqual(
    ["excess", "kind", "n", "number", "resource", "violation", "x", "y"].sort(),
  );
});

test.each(["parent", "bracket", "rung", "instance"] as const)(
  "the column %s has one number per row, -1 where a trial has none",
  (key) => {
    const history = buildHistory(space, 1, [{ ...plain(4), [key]: 0 }, plain(2), { ...plain(9), [key]: 3 }]);
    expect(history[key]).toEqual(Int32Array.of(-1, 0, 3));
  },
);

test("the column gradient has one number per coordinate, NaN where it is unknown", () => {
  const { gradient } = buildHistory(space, 1, [
    { ...plain(1), gradient: [0.5, -2] },
    plain(0),
    { ...plain(2), gradient: [1, Number.NaN] },
  ]);
  expect([...gradient!]).toEqual([Number.NaN, Number.NaN, 0.5, -2, 1, Number.NaN]);
});
