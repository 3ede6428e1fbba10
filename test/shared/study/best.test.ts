import fc from "fast-check";
import { expect, test } from "vitest";
import { bestOf, type Candidate, foldedBest, mergeFoldedBest, toBest } from "../../../shared/study/best.ts";
import { headOf, specOf } from "../../support/study.ts";

const one = specOf();
const two = specOf({
  objectives: [
    { metric: "accuracy", direction: "maximize" },
    { metric: "ms", direction: "minimize" },
  ],
});

const trial = (
  number: number,
  values: Candidate["values"],
  state: Candidate["state"] = "completed",
): Candidate => ({
  number,
  state,
  params: { C: number },
  values,
  resource: null,
  curve: [],
});

/** A trial that was measured at a rung and has not come to its end. */
const measured = (number: number, step: number, accuracy: number, state: Candidate["state"] = "pruned") => ({
  ...trial(number, { accuracy }, state),
  resource: 27,
  curve: [{ step, values: { accuracy } }],
});

const numbers = (best: readonly { number: number }[]) => best.map(({ number }) => number);

test("the best trial of one objective is the one with the best value in its direction", () => {
  const trials = [trial(0, { accuracy: 0.5 }), trial(1, { accuracy: 0.9 }), trial(2, { accuracy: 0.7 })];
  expect(bestOf(one, trials).map(toBest)).toEqual([
    { number: 1, params: { C: 1 }, values: { accuracy: 0.9 } },
  ]);
  const loss = specOf({ objectives: [{ metric: "accuracy", direction: "minimize" }] });
  expect(numbers(bestOf(loss, trials))).toEqual([0]);
});

test("of equal trials the earliest is the best, in whatever order they are read", () => {
  const trials = [trial(3, { accuracy: 1 }), trial(1, { accuracy: 1 }), trial(2, { accuracy: 1 })];
  expect(numbers(bestOf(one, trials))).toEqual([1]);
  expect(numbers(bestOf(one, trials.reverse()))).toEqual([1]);
});

test("a trial that did not complete, or is outside a limit, is never the best", () => {
  const limited = specOf({ outcomes: [{ metric: "ms", max: 50 }] });
  const trials = [
    trial(0, { accuracy: 0.9, ms: 51 }),
    trial(1, { accuracy: 0.8, ms: 10 }, "pruned"),
    trial(2, { accuracy: 0.7, ms: 10 }, "paused"),
    trial(3, null, "failed"),
  ];
  expect(bestOf(limited, trials)).toEqual([]);
  expect(numbers(bestOf(limited, [...trials, trial(4, { accuracy: 0.1, ms: 50 })]))).toEqual([4]);
});

test("of several objectives the best are those that no other dominates, in order of their numbers", () => {
  const value = fc.integer({ min: 0, max: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { maxLength: 12 }), (points) => {
      const trials = points.map(([accuracy, ms], i) => trial(i, { accuracy, ms }));
      const dominates = ([a, b]: readonly [number, number], [c, d]: readonly [number, number]) =>
        a >= c && b <= d && (a > c || b < d);
      const front = points.flatMap((point, i) =>
        points.some((other) => dominates(other, point)) ? [] : [i],
      );
      expect(numbers(bestOf(two, trials.reverse()))).toEqual(front);
    }),
  );
});

test("the head remembers the best folded trial of one objective, and nothing for several", () => {
  const empty = headOf();
  expect(foldedBest(empty)).toBeNull();
  const first = mergeFoldedBest(one, empty, [trial(0, { accuracy: 0.5 }), trial(1, { accuracy: 0.4 })]);
  const head = headOf({ foldedBest: first, segments: 1 });
  expect(foldedBest(head)).toEqual({ number: 0, segment: 0, value: 0.5 });
  expect(mergeFoldedBest(one, head, [trial(2, { accuracy: 0.1 })])).toBe(first);
  const better = mergeFoldedBest(one, head, [trial(2, { accuracy: 0.6 })]);
  expect(JSON.parse(better)).toEqual({ number: 2, segment: 1, value: 0.6 });
  expect(mergeFoldedBest(one, empty, [trial(0, null, "failed")])).toBe("");
  expect(mergeFoldedBest(two, empty, [trial(0, { accuracy: 1, ms: 1 })])).toBe("");
});

test("of equals the head remembers the earliest, in whatever order they are folded", () => {
  const later = headOf({
    foldedBest: mergeFoldedBest(one, headOf(), [trial(7, { accuracy: 0.5 })]),
    segments: 1,
  });
  expect(
    foldedBest({ foldedBest: mergeFoldedBest(one, later, [trial(3, { accuracy: 0.5 })]) }),
  ).toMatchObject({
    number: 3,
  });
  expect(
    foldedBest({ foldedBest: mergeFoldedBest(one, later, [trial(9, { accuracy: 0.5 })]) }),
  ).toMatchObject({
    number: 7,
  });
});

test("a head of an earlier version, which holds the whole trial, is compared like any other", () => {
  const earlier = { number: 4, params: { C: 1 }, values: { accuracy: 0.5, ms: 3 } };
  const head = headOf({ foldedBest: JSON.stringify(earlier), segments: 2 });
  expect(foldedBest(head)).toEqual(earlier);
  expect(mergeFoldedBest(one, head, [trial(5, { accuracy: 0.4 })])).toBe(head.foldedBest);
  expect(JSON.parse(mergeFoldedBest(one, head, [trial(5, { accuracy: 0.6 })]))).toMatchObject({ segment: 2 });
});

test("while no trial has come to its end, the best is the best of those that came furthest", () => {
  const trials = [
    measured(0, 1, 0.9),
    measured(1, 3, 0.5),
    measured(2, 3, 0.6, "paused"),
    measured(3, 9, 0.8, "failed"),
    measured(4, 3, 0.4, "running"),
  ];
  expect(bestOf(one, trials).map(toBest)).toMatchObject([{ number: 2, measuredAt: 3 }]);
  expect(numbers(bestOf(one, [...trials, trial(5, { accuracy: 0.1 })]))).toEqual([5]);
  const both = trials.map((each) => ({ ...each, values: { ...each.values!, ms: 1 } }));
  expect(numbers(bestOf(two, both))).toEqual([2]);
});

test("the head remembers a trial that came further before a better one that did not", () => {
  const first = mergeFoldedBest(one, headOf(), [measured(0, 1, 0.9)]);
  expect(JSON.parse(first)).toMatchObject({ number: 0, reach: 1 });
  const head = headOf({ foldedBest: first, segments: 1 });
  expect(mergeFoldedBest(one, head, [measured(1, 1, 0.8)])).toBe(first);
  expect(JSON.parse(mergeFoldedBest(one, head, [measured(1, 3, 0.1)]))).toMatchObject({ number: 1 });
  const ended = mergeFoldedBest(one, head, [trial(2, { accuracy: 0.1 })]);
  expect(JSON.parse(ended)).toEqual({ number: 2, segment: 1, value: 0.1 });
});
