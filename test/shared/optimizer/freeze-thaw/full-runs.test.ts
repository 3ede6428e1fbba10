import { expect, test } from "vitest";
import { type History, type SeededProblem, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory } from "../../../../shared/optimizer/common/history.ts";
import {
  FULL_BRACKET,
  fullRunsDue,
  proposeFullRuns,
} from "../../../../shared/optimizer/freeze-thaw/full-runs.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

const RESOURCES = [1, 3, 9];
const levels = (value: readonly number[] = []) => ({ resources: RESOURCES, value: Float64Array.from(value) });
const space = compileSpace({ x: { type: "float", low: 0, high: 1 } });

interface Spent {
  readonly bracket: number;
  readonly resource: number;
}

const spentBy = (trials: readonly Spent[]): History => ({
  ...buildHistory(
    space,
    1,
    trials.map((_, number) => ({ number, x: [number / 100], y: [1], kind: TrialKind.pruned })),
  ),
  bracket: Int32Array.from(trials, ({ bracket }) => bracket),
  resource: Float64Array.from(trials, ({ resource }) => resource),
});
const ladder = (resource: number): Spent => ({ bracket: 0, resource });
const full: Spent = { bracket: FULL_BRACKET, resource: 9 };

test("half of the resource runs trials to the end, as soon as there is as much as one takes", () => {
  expect(fullRunsDue(spentBy([ladder(3), ladder(3), ladder(1), ladder(1)]), levels(), 1)).toBe(0);
  expect(fullRunsDue(spentBy([ladder(3), ladder(3), ladder(3)]), levels(), 1)).toBe(1);
  expect(fullRunsDue(spentBy([ladder(3), ladder(3), ladder(3), full]), levels(), 1)).toBe(0);
  expect(fullRunsDue(spentBy([ladder(9), ladder(9), ladder(9), full]), levels(), 1)).toBe(1);
});

test("where many are asked for at once, as many are due as the ladder has paid for", () => {
  const many = spentBy([...Array.from({ length: 4 }, () => ladder(9)), full]);
  expect(fullRunsDue(many, levels(), 64)).toBe(3);
});

test("what was imported has cost the study nothing", () => {
  expect(fullRunsDue(spentBy([{ bracket: -1, resource: Number.NaN }, ladder(9)]), levels(), 1)).toBe(1);
});

const problem = (of = space): SeededProblem => ({
  space: of,
  objectives: 1,
  budget: { trials: 100, parallel: 1 },
  options: {},
  seed: 3,
  firstNumber: 9,
  hint: null,
  isLate: () => false,
});

/** Trials by what they came to at each level. */
const trialsOf = (of: typeof space, rows: readonly (readonly [x: number, ...values: number[]])[]) => {
  const value = rows.flatMap(([, ...values]) => RESOURCES.map((_, level) => values[level] ?? Number.NaN));
  const history = buildHistory(
    of,
    1,
    rows.map(([x, ...values], number) => ({
      number,
      x: [x],
      y: [values.at(-1) ?? Number.NaN],
      kind: values.length === RESOURCES.length ? TrialKind.completed : TrialKind.pruned,
    })),
  );
  return { history, levels: levels(value) };
};

test("they are searched for by what trials came to at the end, whatever low levels promise", () => {
  // At the lowest level the left half is best, at the end 0.8.
  const ends = [0.02, 0.3, 0.45, 0.6, 0.7, 0.9, 0.98].map((x): [number, ...number[]] => [
    x,
    x,
    x,
    (x - 0.8) ** 2,
  ]);
  const beginnings = [0.1, 0.15, 0.2, 0.25].map((x): [number, ...number[]] => [x, x / 100]);
  const { history, levels: found } = trialsOf(space, [...ends, ...beginnings]);
  const [draft] = proposeFullRuns(problem(), history, found, 1);
  expect(draft).toMatchObject({ algorithm: "gp", resource: 9 });
  expect(draft?.why).toMatch(/run to the end$/);
  expect(Math.abs(draft!.x[0]! - 0.8)).toBeLessThan(0.1);
});

test("of a finite space nothing is proposed that was begun on the ladder", () => {
  const few = compileSpace({ x: { type: "int", low: 1, high: 4 } });
  const rows = [0.125, 0.375, 0.625, 0.875].map((x): [number, ...number[]] => [x, 1]);
  const { history, levels: found } = trialsOf(few, rows);
  expect(proposeFullRuns(problem(few), history, found, 1)).toEqual([]);
});
