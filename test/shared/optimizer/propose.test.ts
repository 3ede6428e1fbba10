import { expect, test } from "vitest";
import { type Algorithm, answer, TrialKind } from "../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../shared/optimizer/common/history.ts";
import { askAlgorithm, proposeWith } from "../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube, toCube } from "../../../shared/space/cube.ts";
import { problemOf } from "../../support/contracts/algorithm.ts";
import { spaceNamed } from "../../support/spaces.ts";

test("a random ask is pinned", () => {
  const named = spaceNamed("nested conditions");
  const proposals = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "random" },
    history: buildHistory(named.space, 1, []),
    count: 2,
    seed: 1,
    firstNumber: 0,
  }).proposals;
  expect(proposals.map(({ x }) => fromCube(named.space, x))).toMatchInlineSnapshot(`
    [
      {
        "model": "forest",
        "trees": 90,
      },
      {
        "model": "none",
      },
    ]
  `);
});

test("the last free configuration of a finite space is found among ten thousand", () => {
  const space = compileSpace({
    a: { type: "int", low: 0, high: 99 },
    b: { type: "int", low: 0, high: 99 },
  });
  const rows: HistoryRow[] = [];
  for (let a = 0; a < 100; a++) {
    for (let b = 0; b < 100; b++) {
      if (a !== 42 || b !== 17) rows.push({ number: rows.length, x: toCube(space, { a, b }), y: [a + b] });
    }
  }
  const problem = { space, objectives: 1, budget: { trials: 20_000, parallel: 1 } };
  for (const name of ["random", "sobol", "tpe", "auto", "grid"] as const) {
    const history = buildHistory(space, 1, rows);
    const proposals = askAlgorithm({
      problem,
      choice: { name },
      history,
      count: 3,
      seed: 1,
      firstNumber: rows.length,
    }).proposals;
    expect(proposals.map(({ x }) => fromCube(space, x))).toEqual([{ a: 42, b: 17 }]);
  }
});

test("in a space with one finite and one continuous branch, the finite one is not repeated and the other goes on", () => {
  const space = compileSpace({
    kind: { type: "categorical", choices: ["fixed", "free"], weights: [999, 1] },
    x: { type: "float", low: 0, high: 1, when: { kind: ["free"] } },
  });
  const problem = { space, objectives: 1, budget: { trials: 100, parallel: 1 } };
  for (const name of ["random", "sobol", "tpe"] as const) {
    const rows: HistoryRow[] = [];
    for (let number = 0; number < 30; number++) {
      const [proposal] = askAlgorithm({
        problem,
        choice: { name },
        history: buildHistory(space, 1, rows),
        count: 1,
        seed: 3,
        firstNumber: number,
      }).proposals;
      rows.push({ number, x: proposal!.x, y: [number] });
    }
    expect(rows.filter(({ x }) => fromCube(space, x).kind === "fixed")).toHaveLength(1);
  }
});

test("a configuration that was enqueued and runs is not proposed beside it", () => {
  const space = compileSpace({ n: { type: "int", low: 1, high: 2 } });
  const problem = { space, objectives: 1, budget: { trials: 9, parallel: 9 } };
  for (const name of ["random", "sobol", "tpe", "auto", "grid"] as const) {
    const history = buildHistory(space, 1, [
      { number: 0, x: toCube(space, { n: 1 }), kind: TrialKind.running },
    ]);
    const proposals = askAlgorithm({
      problem,
      choice: { name },
      history,
      count: 2,
      seed: 1,
      firstNumber: 1,
    }).proposals;
    expect(proposals.map(({ x }) => fromCube(space, x))).toEqual([{ n: 2 }]);
  }
});

test("what an algorithm proposes against the rules, or twice, or not at all, is replaced", () => {
  const space = compileSpace(
    { a: { type: "float", low: 0, high: 1 }, b: { type: "float", low: 0, high: 1 } },
    [{ a: 1, b: 1, max: 1 }],
  );
  const stubborn: Algorithm = {
    name: "random",
    revision: 1,
    options: {},
    propose: () =>
      answer(
        [
          [0.9, 0.9],
          [0.1, 0.1],
          [0.2, 0.2],
          [0.2, 0.2],
        ].map((x) => ({ x: Float64Array.from(x), algorithm: "random", why: "stubborn" })),
      ),
  };
  const problem = {
    space,
    objectives: 1,
    budget: { trials: 9, parallel: 9 },
    seed: 1,
    firstNumber: 1,
    options: {},
    hint: null,
    isLate: () => false,
  };
  const history = buildHistory(space, 1, [{ number: 0, x: [0.1, 0.1], kind: TrialKind.running }]);
  const { proposals } = proposeWith(stubborn, problem, history, 5);
  expect(proposals.map(({ why }) => why)).toEqual(["stubborn", ...Array(4).fill("fallback")]);
  for (const { x } of proposals) expect(x[0]! + x[1]!).toBeLessThanOrEqual(1);
  expect(proposals.some(({ x }) => x[0] === 0.1)).toBe(false);
});

test("what an ask had no time for is marked, whether or not its algorithm says so, and nothing else is", () => {
  const space = compileSpace({ a: { type: "float", low: 0, high: 1 } });
  const propose = (isLate: () => boolean, marks: readonly (boolean | undefined)[]) => {
    const hurried: Algorithm = {
      name: "rbf",
      revision: 1,
      options: {},
      propose: (problem) => {
        problem.isLate();
        return answer(
          marks.map((cutShort, i) => ({
            x: Float64Array.of(0.1 + i / 10),
            algorithm: "rbf",
            why: "hurried",
            ...(cutShort !== undefined && { cutShort }),
          })),
        );
      },
    };
    const problem = {
      space,
      objectives: 1,
      budget: { trials: 9, parallel: 9 },
      options: {},
      seed: 1,
      firstNumber: 0,
      hint: null,
      isLate,
    };
    const { proposals } = proposeWith(hurried, problem, buildHistory(space, 1, []), 3);
    return proposals.map(({ why, cutShort }) => `${why} ${cutShort}`);
  };
  const silent = [undefined, undefined];
  expect(propose(() => false, silent)).toEqual(["hurried false", "hurried false", "fallback false"]);
  expect(propose(() => true, silent)).toEqual(["hurried true", "hurried true", "fallback true"]);
  expect(propose(() => true, [false, true])).toEqual(["hurried false", "hurried true", "fallback true"]);
});

test("what a proposal carries beside its point reaches the caller", () => {
  const space = compileSpace({ a: { type: "float", low: 0, high: 1 } });
  const copier: Algorithm = {
    name: "evolution",
    revision: 1,
    options: {},
    propose: () =>
      answer([
        {
          x: Float64Array.of(0.4),
          algorithm: "evolution",
          why: "copy",
          parent: 7,
          resource: 27,
          instance: 2,
        },
      ]),
  };
  const problem = { space, objectives: 1, budget: { trials: 9, parallel: 9 }, options: {}, seed: 1 };
  const seeded = { ...problem, firstNumber: 0, hint: null, isLate: () => false };
  const [copied, drawn] = proposeWith(copier, seeded, buildHistory(space, 1, []), 2).proposals;
  expect(copied).toMatchObject({ parent: 7, resource: 27, instance: 2, cutShort: false });
  expect(Object.keys(drawn!).sort()).toEqual(["algorithm", "cutShort", "why", "x"]);
});
