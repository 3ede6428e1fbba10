import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import type { EarlierResults } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory } from "../../../../shared/optimizer/common/history.ts";
import { observationsOf } from "../../../../shared/optimizer/tpe/earlier.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

/** How much the results of an earlier study count in the densities. */

const space = compileSpace({ x: { type: "float", low: 0, high: 1 }, y: { type: "float", low: 0, high: 1 } });
const bowl = (x: number, y: number) => (x - 0.3) ** 2 + (y - 0.7) ** 2;

const points = (n: number, seed: number) => {
  const random = createRandom(seed);
  return Array.from({ length: n }, () => Float64Array.of(random.uniform(), random.uniform()));
};
const earlierOf = (f: (x: number, y: number) => number): EarlierResults => {
  const rows = points(60, 1)
    .map((x) => ({ x, value: f(x[0]!, x[1]!) }))
    .sort((a, b) => a.value - b.value);
  return {
    n: 60,
    x: Float64Array.from(rows.flatMap(({ x }) => [...x])),
    y: Float64Array.from(rows, ({ value }) => value),
    unknown: new Uint8Array(2),
  };
};
const weightOf = (f: (x: number, y: number) => number, n: number): number => {
  const rows = points(n, 2).map((x, number) => ({ number, x, y: [bowl(x[0]!, x[1]!)] }));
  return observationsOf(space, buildHistory(space, 1, rows), [earlierOf(f)])?.good.weights[0] ?? 0;
};

test("a related study counts more than noise, and one that says the contrary not at all", () => {
  const random = createRandom(3);
  expect(weightOf(bowl, 20)).toBeGreaterThan(0.1);
  expect(weightOf(() => random.normal(), 20)).toBeLessThan(weightOf(bowl, 20) / 2);
  expect(weightOf((x, y) => -bowl(x, y), 20)).toBe(0);
});

test("the weight falls as own results come in", () => {
  expect(weightOf(bowl, 100)).toBeLessThan(weightOf(bowl, 20));
  expect(weightOf(bowl, 300)).toBeLessThan(weightOf(bowl, 100) / 2);
});

test("a tenth of the results is good, and all others are bad", () => {
  const observations = observationsOf(space, buildHistory(space, 1, []), [earlierOf(bowl)]);
  expect(observations?.good.points).toHaveLength(12);
  expect(observations?.bad.points).toHaveLength(108);
});
