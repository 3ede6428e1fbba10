import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { buildHistory, emptyHistory, type HistoryRow } from "../../../shared/optimizer/history.ts";
import { proposeTrials } from "../../../shared/optimizer/propose.ts";
import { sampleCube } from "../../../shared/space/sample.ts";
import { problemOf } from "../../support/contracts/algorithm.ts";
import { spaces } from "../../support/spaces.ts";

const spaceOf = (name: string) => spaces.find((named) => named.name === name)!;

test("a small finite space that fits the budget is tried out in full by the grid", () => {
  const named = spaceOf("tiny and finite");
  const [proposal] = proposeTrials(problemOf(named), "auto", emptyHistory(named.space, 1), 1, 1, 0);
  expect(proposal).toMatchObject({ algorithm: "grid", why: "the whole space fits the budget" });
});

const history = (name: string, count: number, objectives = 1) => {
  const { space } = spaceOf(name);
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
  ["100 dimensions", 60, 20, 1, "tpe", "many parameters"],
  ["mixed", 5000, 1000, 1, "tpe", "many results"],
  ["linear constraints", 5000, 1000, 1, "cma-es", "all parameters continuous"],
  ["mixed", 5000, 1000, 2, "nsga2", "several objectives"],
])("on '%s' with a budget of %i and %i results of %i objectives it asks %s", (...row) => {
  const [name, trials, results, objectives, algorithm, why] = row;
  const problem = problemOf(spaceOf(name), { objectives, budget: { trials, parallel: 1 } });
  const [proposal] = proposeTrials(problem, "auto", history(name, results, objectives), 1, 1, results);
  expect(proposal?.algorithm).toBe(algorithm);
  expect(proposal?.why).toContain(why);
});
