import { expect, test } from "vitest";
import { type Algorithm, answer, TrialKind } from "../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../shared/optimizer/common/history.ts";
import { proposeTrials, proposeWith } from "../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube, toCube } from "../../../shared/space/cube.ts";
import { problemOf } from "../../support/contracts/algorithm.ts";
import { spaces } from "../../support/spaces.ts";

test("a random ask is pinned", () => {
  const named = spaces.find(({ name }) => name === "nested conditions")!;
  const proposals = proposeTrials(problemOf(named), "random", buildHistory(named.space, 1, []), 2, 1, 0);
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

test("the last free configuration of a finite space is found among a hundred thousand", () => {
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
  const problem = { space, objectives: 1, budget: { trials: 20_000, parallel: 1 }, options: {} };
  for (const name of ["random", "sobol", "tpe", "auto", "grid"] as const) {
    const history = buildHistory(space, 1, rows);
    const proposals = proposeTrials(problem, name, history, 3, 1, rows.length);
    expect(proposals.map(({ x }) => fromCube(space, x))).toEqual([{ a: 42, b: 17 }]);
  }
});

test("in a space with one finite and one continuous branch, the finite one is not repeated and the other goes on", () => {
  const space = compileSpace({
    kind: { type: "categorical", choices: ["fixed", "free"], weights: [999, 1] },
    x: { type: "float", low: 0, high: 1, when: { kind: ["free"] } },
  });
  const problem = { space, objectives: 1, budget: { trials: 100, parallel: 1 }, options: {} };
  for (const name of ["random", "sobol", "tpe"] as const) {
    const rows: HistoryRow[] = [];
    for (let number = 0; number < 30; number++) {
      const [proposal] = proposeTrials(problem, name, buildHistory(space, 1, rows), 1, 3, number);
      rows.push({ number, x: proposal!.x, y: [number] });
    }
    expect(rows.filter(({ x }) => fromCube(space, x).kind === "fixed")).toHaveLength(1);
  }
});

test("a configuration that was enqueued and runs is not proposed beside it", () => {
  const space = compileSpace({ n: { type: "int", low: 1, high: 2 } });
  const problem = { space, objectives: 1, budget: { trials: 9, parallel: 9 }, options: {} };
  for (const name of ["random", "sobol", "tpe", "auto", "grid"] as const) {
    const history = buildHistory(space, 1, [
      { number: 0, x: toCube(space, { n: 1 }), kind: TrialKind.running },
    ]);
    const proposals = proposeTrials(problem, name, history, 2, 1, 1);
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
    options: {},
    seed: 1,
    firstNumber: 1,
    hint: null,
    isLate: () => false,
  };
  const history = buildHistory(space, 1, [{ number: 0, x: [0.1, 0.1], kind: TrialKind.running }]);
  const { proposals } = proposeWith(stubborn, problem, history, 5);
  expect(proposals.map(({ why }) => why)).toEqual(["stubborn", ...Array(4).fill("fallback")]);
  for (const { x } of proposals) expect(x[0]! + x[1]!).toBeLessThanOrEqual(1);
  expect(proposals.some(({ x }) => x[0] === 0.1)).toBe(false);
});

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

test("an answer says that its time was up, whether or not its algorithm does, and only then", () => {
  const space = compileSpace({ a: { type: "float", low: 0, high: 1 } });
  const propose = (isLate: () => boolean, whys: readonly string[]) => {
    const hasty: Algorithm = {
      name: "rbf",
      revision: 1,
      propose: (problem) => {
        problem.isLate();
        return answer(whys.map((why, i) => ({ x: Float64Array.of(0.1 + i / 10), algorithm: "rbf", why })));
      },
    };
    const problem = { space, objectives: 1, budget: { trials: 9, parallel: 9 }, options: {}, seed: 1 };
    const { proposals } = proposeWith(
      hasty,
      { ...problem, firstNumber: 0, hint: null, isLate },
      buildHistory(space, 1, []),
      3,
    );
    return proposals.map(({ why }) => why);
  };
  expect(propose(() => false, ["a", "b"])).toEqual(["a", "b", "fallback"]);
  const late = "cut short for time";
  expect(propose(() => true, ["a", "b"])).toEqual([`a, ${late}`, `b, ${late}`, `fallback, ${late}`]);
  expect(propose(() => true, ["a", `b, ${late}`])).toEqual(["a", `b, ${late}`, `fallback, ${late}`]);
});
