import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import type { SpaceDefinition } from "../../../../shared/space/definition.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";
import { problemOf } from "../../../support/contracts/algorithm.ts";
import { spaceNamed } from "../../../support/spaces.ts";

test("a small finite space that fits the budget is tried out in full by the grid", () => {
  const named = spaceNamed("tiny and finite");
  const [proposal] = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "auto" },
    history: buildHistory(named.space, 1, []),
    count: 1,
    seed: 1,
    firstNumber: 0,
  }).proposals;
  expect(proposal).toMatchObject({ algorithm: "grid", why: "the whole space fits the budget" });
});

const history = (name: string, count: number, objectives = 1) => {
  const { space } = spaceNamed(name);
  const random = createRandom(1);
  const rows = Array.from(
    { length: count },
    (_, number): HistoryRow => ({
      number,
      x: sampleCube(space, random),
      y: Array.from({ length: objectives }, () => random.normal()),
    }),
  );
  return buildHistory(space, objectives, rows);
};

test.each([
  ["tiny and finite", 5, 0, 1, "gp", "few results"],
  ["mixed", 60, 0, 1, "gp", "initial design"],
  ["mixed", 60, 20, 1, "gp", "expected improvement"],
  ["mixed", 60, 20, 2, "gp", "expected hypervolume improvement"],
  ["100 dimensions", 60, 20, 1, "gp", "expected improvement"],
  ["mixed", 5000, 999, 1, "gp", "expected improvement"],
  ["mixed", 5000, 1000, 1, "cma-es", "most parameters are numbers"],
  ["linear constraints", 5000, 299, 1, "gp", "expected improvement"],
  ["linear constraints", 5000, 300, 1, "cma-es", "all parameters continuous"],
  ["100 dimensions", 5000, 1000, 1, "tpe", "many results"],
  ["mixed", 5000, 999, 2, "gp", "expected hypervolume improvement"],
  ["mixed", 5000, 1000, 2, "nsga2", "several objectives"],
])("on '%s' with a budget of %i and %i results of %i objectives it asks %s", (...row) => {
  const [name, trials, results, objectives, algorithm, why] = row;
  const problem = problemOf(spaceNamed(name), { objectives, budget: { trials, parallel: 1 } });
  const [proposal] = askAlgorithm({
    problem,
    choice: { name: "auto" },
    history: history(name, results, objectives),
    count: 1,
    seed: 1,
    firstNumber: results,
  }).proposals;
  expect(proposal?.algorithm).toBe(algorithm);
  expect(proposal?.why).toContain(why);
});

const numbersAndChoices = (numbers: number, choices: number) =>
  compileSpace(
    Object.fromEntries([
      ...Array.from({ length: numbers }, (_, i) => [`n${i}`, { type: "float", low: 0, high: 1 }] as const),
      ...Array.from(
        { length: choices },
        (_, i) => [`c${i}`, { type: "categorical", choices: ["a", "b", "c"] }] as const,
      ),
    ]) as SpaceDefinition,
  );

test.each([
  [200, 0, 20, "tpe", "many parameters"],
  [3, 7, 1000, "tpe", "many results"],
  [5, 5, 1000, "cma-es", "most parameters are numbers"],
])(
  "of %i numbers and %i choices after %i results it asks %s",
  (numbers, choices, results, algorithm, why) => {
    const space = numbersAndChoices(numbers, choices);
    const random = createRandom(1);
    const rows = Array.from(
      { length: results },
      (_, number): HistoryRow => ({ number, x: sampleCube(space, random), y: [random.normal()] }),
    );
    const problem = { space, objectives: 1, budget: { trials: 5000, parallel: 1 } };
    const [proposal] = askAlgorithm({
      problem,
      choice: { name: "auto" },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed: 1,
      firstNumber: results,
    }).proposals;
    expect(proposal?.algorithm).toBe(algorithm);
    expect(proposal?.why).toContain(why);
  },
);
