import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import type { Bandwidth } from "../../../../shared/optimizer/tpe/column.ts";
import { createParzen } from "../../../../shared/optimizer/tpe/parzen.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { toCube } from "../../../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../../../shared/space/definition.ts";
import { samplePrior } from "../../../../shared/space/sample.ts";
import type { Space } from "../../../../shared/space/space.ts";
import type { Params } from "../../../../shared/values.ts";
import { kolmogorovSmirnov } from "../../../support/statistics.ts";

const WIDTHS: Bandwidth[] = ["neighbours", "narrow"];

/** n draws from the prior, by rows. */
const observations = (space: Space, n: number): Float64Array => {
  const random = createRandom(n);
  const d = space.parameters.length;
  const points = new Float64Array(n * d);
  for (let i = 0; i < n; i++) points.set(samplePrior(space, random), i * d);
  return points;
};

const conditional: SpaceDefinition = {
  c: { type: "categorical", choices: ["a", "b", "c"], weights: [1, 2, 1] },
  x: { type: "float", low: 0, high: 1, when: { c: ["a"] } },
  n: { type: "int", low: 1, high: 5, when: { c: ["a", "b"] } },
  k: { type: "categorical", choices: ["p", "q"], weights: [1, 4], when: { c: ["b"] } },
};

test.each(WIDTHS)("over all branches of a conditional space the density sums to 1 (%s)", (bandwidth) => {
  const space = compileSpace(conditional);
  for (const n of [0, 1, 2, 20]) {
    const weights = n === 20 ? Float64Array.from({ length: 20 }, (_, i) => (i + 0.5) / 10) : null;
    const parzen = createParzen(space, observations(space, n), weights, bandwidth);
    const density = (params: Parameters<typeof toCube>[1]) =>
      Math.exp(parzen.logDensity(toCube(space, params)));
    let sum = density({ c: "c" });
    for (let value = 1; value <= 5; value++) {
      for (const k of ["p", "q"]) sum += density({ c: "b", n: value, k }) / 5;
      for (let i = 0; i < 2000; i++) sum += density({ c: "a", n: value, x: (i + 0.5) / 2000 }) / 5 / 2000;
    }
    expect(sum).toBeCloseTo(1, 3);
  }
});

test.each(WIDTHS)("samples of a float follow the density (%s)", (bandwidth) => {
  const space = compileSpace({
    x: { type: "float", low: 0, high: 1, prior: { type: "normal", mean: 0.2, sd: 0.3 } },
  });
  const parzen = createParzen(space, Float64Array.of(0.01, 0.3, 0.35, 0.9), null, bandwidth);
  const steps = 4000;
  const cumulative = [0];
  for (let i = 0; i < steps; i++) {
    cumulative.push(cumulative[i]! + Math.exp(parzen.logDensity([(i + 0.5) / steps])) / steps);
  }
  expect(cumulative[steps]).toBeCloseTo(1, 4);
  const random = createRandom(2);
  const sample = Array.from({ length: 3000 }, () => parzen.sample(random)[0]!);
  const cdf = (u: number) => cumulative[Math.min(steps, Math.round(u * steps))]!;
  expect(kolmogorovSmirnov(sample, cdf)).toBeGreaterThan(0.005);
});

test("samples of a conditional space have the shares that the density gives its branches", () => {
  const space = compileSpace(conditional);
  const seen: Params[] = [{ c: "a", x: 0.5, n: 2 }, { c: "c" }, { c: "c" }];
  const points = seen.flatMap((params) => [...toCube(space, params)]);
  const parzen = createParzen(space, Float64Array.from(points), null, "neighbours");
  const random = createRandom(3);
  const sample = Array.from({ length: 4000 }, () => parzen.sample(random));
  const c = space.byName.get("c")!.index;
  const share = sample.filter((x) => x[c] === toCube(space, { c: "c" })[c]).length / 4000;
  expect(Math.abs(share - Math.exp(parzen.logDensity(toCube(space, { c: "c" }))))).toBeLessThan(0.025);
  for (const x of sample)
    expect(Number.isNaN(x[space.byName.get("x")!.index]!)).toBe(x[c] !== toCube(space, { c: "a" })[c]);
});

test("weights say how much an observation counts", () => {
  const space = compileSpace({ x: { type: "float", low: 0, high: 1 } });
  const parzen = createParzen(space, Float64Array.of(0.2, 0.8), Float64Array.of(1.8, 0.2), "neighbours");
  expect(parzen.logDensity([0.2])).toBeGreaterThan(parzen.logDensity([0.8]));
});
