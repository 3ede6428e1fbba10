import { expect, test } from "vitest";
import { cost, excess, isFeasible, violation } from "../../../shared/study/objectives.ts";
import { specOf } from "../../support/study.ts";

const maximize = { metric: "accuracy", direction: "maximize" } as const;
const minimize = { metric: "loss", direction: "minimize" } as const;

test("a cost is lower where the objective is better, whatever its direction", () => {
  expect(cost(maximize, { accuracy: 0.9 })).toBe(-0.9);
  expect(cost(minimize, { loss: 0.9 })).toBe(0.9);
});

test("what was not told has no cost and no excess", () => {
  expect(cost(maximize, null)).toBeNaN();
  expect(cost(maximize, { loss: 1 })).toBeNaN();
  expect(excess({ metric: "ms", max: 50 }, { loss: 1 })).toBeNaN();
  expect(excess({ metric: "ms", max: 50 }, null)).toBeNaN();
});

test("an excess is negative within the limits, by the limit that is closer", () => {
  expect(excess({ metric: "ms", max: 50 }, { ms: 60 })).toBe(10);
  expect(excess({ metric: "ms", max: 50 }, { ms: 20 })).toBe(-30);
  expect(excess({ metric: "ms", min: 10 }, { ms: 4 })).toBe(6);
  expect(excess({ metric: "ms", min: 10, max: 50 }, { ms: 45 })).toBe(-5);
  expect(excess({ metric: "ms", min: 10, max: 50 }, { ms: 12 })).toBe(-2);
});

const limited = specOf({
  outcomes: [
    { metric: "ms", max: 50 },
    { metric: "recall", min: 0.5, max: 1 },
  ],
});

test("a violation sums what exceeds the limits and nothing that keeps them", () => {
  expect(violation(limited, { ms: 10, recall: 0.9 })).toBe(0);
  expect(violation(limited, { ms: 50, recall: 0.5 })).toBe(0);
  expect(violation(limited, { ms: 53, recall: 0.25 })).toBe(3.25);
  expect(violation(limited, { ms: 10, recall: 3 })).toBe(2);
});

test("a violation is unknown until every limited metric was told", () => {
  expect(violation(limited, { ms: 10 })).toBeNaN();
  expect(violation(limited, null)).toBeNaN();
  expect(violation(specOf(), null)).toBe(0);
});

test("a trial is feasible, infeasible, or nothing yet", () => {
  expect(isFeasible(limited, { ms: 10, recall: 0.9 })).toBe(true);
  expect(isFeasible(limited, { ms: 51, recall: 0.9 })).toBe(false);
  expect(isFeasible(limited, { ms: 10 })).toBe(false);
  expect(isFeasible(limited, null)).toBeNull();
});
