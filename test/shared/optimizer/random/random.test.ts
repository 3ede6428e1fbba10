import { expect, test } from "vitest";
import { truncatedNormalCdf } from "../../../../shared/numerics/normal.ts";
import type { AlgorithmChoice } from "../../../../shared/optimizer/choice.ts";
import { buildHistory } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { fromCube } from "../../../../shared/space/cube.ts";
import { problemOf } from "../../../support/contracts/algorithm.ts";
import { spaceNamed, spaces } from "../../../support/spaces.ts";
import { chiSquare, kolmogorovSmirnov } from "../../../support/statistics.ts";

const [mixed] = spaces as [(typeof spaces)[number]];

test.each(["random", "sobol"] as const)(
  "%s follows priors and weights, asked one trial at a time",
  (name) => {
    const params = Array.from({ length: 800 }, (_, number) => {
      const [proposal] = askAlgorithm({
        problem: problemOf(mixed),
        choice: { name },
        history: buildHistory(mixed.space, 1, []),
        count: 1,
        seed: 1,
        firstNumber: number,
      }).proposals;
      return fromCube(mixed.space, proposal!.x);
    });
    const rates = params.map(({ lr }) => Math.log(Number(lr)));
    const cdf = (x: number) => truncatedNormalCdf(x, Math.log(1e-3), 0.5, Math.log(1e-5), Math.log(0.1));
    expect(kolmogorovSmirnov(rates, cdf)).toBeGreaterThan(0.005);
    const counts = ["sgd", "adam", null, 3, true].map(
      (c) => params.filter(({ optimizer }) => optimizer === c).length,
    );
    // The 0.999 quantile of chi-square with 4 degrees of freedom.
    expect(
      chiSquare(
        counts,
        [1, 3, 1, 1, 1].map((weight) => weight / 7),
      ).value,
    ).toBeLessThan(18.5);
  },
);

test("on a function of which few parameters matter, random search beats a grid of the same size", () => {
  // Bergstra and Bengio 2012: a grid of 64 points in 3 dimensions has only 4 values of the one that matters.
  const named = spaceNamed("a narrow constraint");
  const cube = { ...named, space: { ...named.space, constraints: [] } };
  const best = (choice: AlgorithmChoice, seed: number) => {
    const xs = askAlgorithm({
      problem: problemOf(cube),
      choice,
      history: buildHistory(cube.space, 1, []),
      count: 64,
      seed,
      firstNumber: 0,
    }).proposals;
    return Math.min(...xs.map(({ x }) => Math.abs(x[0]! - 0.4321)));
  };
  const seeds = [1, 2, 3, 4, 5];
  expect(Math.max(...seeds.map((seed) => best({ name: "random" }, seed)))).toBeLessThan(
    best({ name: "grid", points: 2 }, 1),
  );
});
