import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
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
  ["tiny and finite", 5, 0, 1, "gp", "trials are expensive"],
  ["mixed", 60, 0, 1, "gp", "initial design"],
  ["mixed", 60, 20, 1, "gp", "expected improvement"],
  ["mixed", 60, 20, 2, "gp", "expected hypervolume improvement"],
  ["100 dimensions", 60, 20, 1, "gp", "expected improvement"],
  ["mixed", 5000, 5000, 1, "gp", "expected improvement"],
  ["linear constraints", 5000, 2000, 1, "gp", "expected improvement"],
  ["100 dimensions", 5000, 1000, 1, "gp", "expected improvement"],
  ["mixed", 5000, 1000, 2, "gp", "expected hypervolume improvement"],
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

test("of more parameters than a process can learn it asks tpe, from the first trial on", () => {
  const float = { type: "float", low: 0, high: 1 } as const;
  const space = compileSpace(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x${i}`, float])));
  const random = createRandom(1);
  for (const results of [0, 20, 1000]) {
    const rows = Array.from(
      { length: results },
      (_, number): HistoryRow => ({ number, x: sampleCube(space, random), y: [random.normal()] }),
    );
    const [proposal] = askAlgorithm({
      problem: { space, objectives: 1, budget: { trials: 5000, parallel: 1 } },
      choice: { name: "auto" },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed: 1,
      firstNumber: results,
    }).proposals;
    expect(proposal).toMatchObject({ algorithm: "tpe" });
    expect(proposal?.why).toContain("many parameters");
  }
});

/** Of a study that begins with random results: the best of those, and of the trials that follow. */
const continued = (dimensions: number, results: number, trials: number, seed: number) => {
  const float = { type: "float", low: -2, high: 2 } as const;
  const space = compileSpace(
    Object.fromEntries(Array.from({ length: dimensions }, (_, i) => [`x${i}`, float])),
  );
  const rosenbrock = (x: Float64Array) => {
    const z = x.map((u, i) => 4 * u - 2 - (i % 3) / 5 + 1);
    return z.slice(1).reduce((sum, v, i) => sum + 100 * (v - z[i]! ** 2) ** 2 + (1 - z[i]!) ** 2, 0);
  };
  const random = createRandom(seed);
  const rows = Array.from({ length: results }, (_, number): HistoryRow => {
    const x = sampleCube(space, random);
    return { number, x, y: [rosenbrock(x)] };
  });
  const least = (some: readonly HistoryRow[]) => Math.min(...some.map(({ y }) => y![0]!));
  for (let number = results; number < results + trials; number++) {
    const [proposal] = askAlgorithm({
      problem: { space, objectives: 1, budget: { trials: 5000, parallel: 1 } },
      choice: { name: "auto" },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed,
      firstNumber: number,
    }).proposals;
    rows.push({ number, x: proposal!.x, y: [rosenbrock(proposal!.x)] });
  }
  return { known: least(rows.slice(0, results)), found: least(rows.slice(results)) };
};

test.each([
  [300, 1, 20],
  [1000, 2, 20],
  [5000, 3, 12],
])(
  "goes on from %i imported results: the next trials are far better than what was known",
  (results, seed, trials) => {
    const { known, found } = continued(8, results, trials, seed);
    expect(found).toBeLessThan(known / 3);
  },
);
