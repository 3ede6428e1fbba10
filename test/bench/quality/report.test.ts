import { describe, expect, test } from "vitest";
import {
  bestKnown,
  compare,
  hypervolume,
  ranksOf,
  reached,
  regretOf,
} from "../../../bench/quality/report.ts";
import type { Result } from "../../../bench/quality/results.ts";

const NOBODY = "nobody";

/** A run with these values; the trials in `forbidden` are not feasible. */
const run = (
  searcher: string,
  values: readonly number[],
  more: Partial<Result> & { readonly forbidden?: readonly number[] } = {},
): Result => {
  const { forbidden = [], ...rest } = more;
  return {
    searcher,
    version: "1",
    problem: "tuning:svm",
    seed: 0,
    parallel: 1,
    trials: values.length,
    best: 0,
    typical: 10,
    reference: null,
    seconds: values.length,
    trace: values.map((value) => ({ values: [value], value, isFeasible: !forbidden.includes(value) })),
    ...rest,
  };
};

const compareAll = (results: readonly Result[], at: readonly number[]) => {
  const rows = compare(results, [...new Set(results.map((one) => one.searcher))], at, bestKnown(results));
  return Object.fromEntries(rows.map((row) => [row.searcher, row]));
};

describe("hypervolume", () => {
  test("is the area of a union, not the sum of areas", () => {
    const points = [
      [1, 3],
      [2, 2],
      [3, 1],
    ];
    expect(hypervolume(points, [4, 4])).toBe(6);
    expect(hypervolume(points.toReversed(), [4, 4])).toBe(6);
  });

  test("does not grow with points that are dominated, repeated or beyond the reference", () => {
    const front = [[1, 1]];
    const others = [
      [1, 1],
      [1, 2],
      [2, 1],
      [0, 9],
      [9, 0],
      [4, 0],
    ];
    expect(hypervolume([...front, ...others], [4, 4])).toBe(hypervolume(front, [4, 4]));
    expect(hypervolume([], [4, 4])).toBe(0);
  });
});

describe("the result of a run after some trials", () => {
  test("is the lowest value so far", () => {
    const mine = run(NOBODY, [5, 7, 3]);
    expect([1, 2, 3].map((t) => reached(mine, t))).toEqual([5, 5, 3]);
  });

  test("with noise is the true value of the trial with the best told value", () => {
    const trace = [
      { values: [5], value: 4, isFeasible: true },
      { values: [3], value: 6, isFeasible: true },
    ];
    expect(reached(run(NOBODY, [], { trace }), 2)).toBe(6);
  });

  test("is infinite until a trial is feasible", () => {
    const mine = run(NOBODY, [1, 2, 5], { forbidden: [1, 2] });
    expect([1, 2, 3].map((t) => reached(mine, t))).toEqual([Infinity, Infinity, 5]);
  });

  test("with two objectives is minus the area of the feasible trials", () => {
    const trace = [
      { values: [0, 0], value: 0, isFeasible: false },
      { values: [1, 1], value: 1, isFeasible: true },
    ];
    const mine = run(NOBODY, [], { trace, reference: [2, 2] });
    expect(reached(mine, 1)).toBeCloseTo(0, 12);
    expect(reached(mine, 2)).toBe(-1);
  });
});

describe("regret", () => {
  test("is the distance from the best known value, divided by that of a random configuration", () => {
    expect(regretOf(4, 2, 10)).toBe(0.25);
  });

  test("is between 0 and 1, even if nothing was found", () => {
    expect(regretOf(11, 2, 10)).toBe(1);
    expect(regretOf(Infinity, 2, 10)).toBe(1);
    expect(regretOf(1, 2, 10)).toBe(0);
    expect(regretOf(2, 2, 2)).toBe(0);
    expect(regretOf(3, 2, 2)).toBe(1);
  });
});

describe("ranks", () => {
  test("are shared by equal values", () => {
    expect(ranksOf([3, 1, 3, 2], 0)).toEqual([3.5, 1, 3.5, 2]);
  });

  test("ignore rounding errors", () => {
    expect(ranksOf([100 + 1e-13, 100], 100)).toEqual([1.5, 1.5]);
  });

  test("put searchers that found nothing last, with a shared rank", () => {
    expect(ranksOf([Infinity, 5, Infinity], 1)).toEqual([2.5, 1, 2.5]);
    expect(ranksOf([Infinity, Infinity], Infinity)).toEqual([1.5, 1.5]);
  });
});

describe("the best known value", () => {
  test("is that of a run if the run is better than the known value", () => {
    expect(bestKnown([run("a", [3, -1]), run("b", [2, 4])]).get("tuning:svm")).toBe(-1);
  });

  test("counts only feasible trials", () => {
    expect(bestKnown([run("a", [-5, 3], { best: null, forbidden: [-5] })]).get("tuning:svm")).toBe(3);
  });

  test("is the same for all seeds, with and without noise; in BBOB each seed has its own", () => {
    const noisy = run("a", [-2], { problem: "noisy:tuning:svm", seed: 1 });
    const bowls = [0, 1].map((seed) => run("a", [seed], { problem: "bbob:f1-d2", seed, best: seed }));
    expect([...bestKnown([run("a", [1]), noisy, ...bowls])]).toEqual([
      ["tuning:svm", -2],
      ["bbob:f1-d2 0", 0],
      ["bbob:f1-d2 1", 1],
    ]);
  });
});

describe("a comparison", () => {
  test("has ranks and means after each number of trials", () => {
    const { a, b } = compareAll(
      [
        run("a", [8, 2]),
        run("b", [4, 4]),
        run("a", [8, 0], { seed: 1 }),
        run("b", [4, 4], { seed: 1, seconds: 6 }),
      ],
      [1, 2],
    );
    expect(a).toMatchObject({ rank: [2, 1], regret: [0.8, 0.1], secondsAnAsk: 1, studies: 2 });
    expect(b).toMatchObject({ rank: [1, 2], regret: [0.4, 0.4], secondsAnAsk: 2, studies: 2 });
    expect(b!.geometric).toBeCloseTo(0.4, 12);
  });

  test("uses only studies that all searchers finished", () => {
    const results = [run("a", [5]), run("b", [6]), run("a", [1], { seed: 1 })];
    expect(compareAll(results, [1])).toMatchObject({
      a: { regret: [0.5], studies: 1 },
      b: { regret: [0.6], studies: 1 },
    });
  });

  test("has a regret of 1 and a shared rank if nothing feasible was found", () => {
    const more = { problem: "constrained:disc", forbidden: [5] };
    const results = ["a", "b"].map((name) => run(name, [5], more));
    const { a, b, c } = compareAll([...results, run("c", [7], more)], [1]);
    expect([a, b, c].map((row) => row!.rank[0])).toEqual([2.5, 2.5, 1]);
    expect([a, b, c].map((row) => row!.regret[0])).toEqual([1, 1, 0.7]);
  });

  test("measures two objectives by the missing area", () => {
    const front = { problem: "two:zdt1", reference: [2, 2], best: -4, typical: -1 };
    const trace = [{ values: [0, 0.5], value: 0, isFeasible: true }];
    expect(compareAll([run("a", [], { ...front, trace })], [1]).a!.regret[0]).toBeCloseTo(1 / 3, 12);
  });
});
