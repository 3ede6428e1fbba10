import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import {
  type LogPrior,
  type OptimumPriorInput,
  optimumPrior,
} from "../../../../shared/optimizer/gp/optimum-prior.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import type { SpaceDefinition } from "../../../../shared/space/definition.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";

const float = { type: "float", low: 0, high: 1 } as const;
const normal = { type: "normal", mean: 0.3, sd: 0.1 } as const;
const beta = { type: "beta", alpha: 2, beta: 5 } as const;

const believed = (
  definition: SpaceDefinition,
  { trials = 10, budget = 100, isOne = true, trends }: Partial<OptimumPriorInput> = {},
): LogPrior | null => {
  const space = compileSpace(definition);
  const unknown = new Float64Array(space.parameters.length);
  return optimumPrior(space, { trials, budget, isOne, trends: trends === undefined ? unknown : trends });
};

const at = (prior: LogPrior | null, ...x: number[]): number => prior!(Float64Array.from(x));

test("derivatives agree with finite differences, for every kind of prior", () => {
  const definition: SpaceDefinition = {
    usual: float,
    normal: { ...float, prior: normal },
    beta: { ...float, prior: beta },
    steep: { ...float, prior: { type: "beta", alpha: 0.5, beta: 0.5 } },
    log: { type: "float", low: 1e-5, high: 1, scale: "log", prior: { type: "normal", mean: 1e-3, sd: 0.5 } },
    whole: { type: "int", low: 1, high: 1000 },
    choice: { type: "categorical", choices: ["a", "b"], weights: [3, 1] },
    extra: { ...float, prior: normal, when: { choice: ["b"] } },
  };
  const space = compileSpace(definition);
  const random = createRandom(1);
  const x0 = sampleCube(space, random);
  const smooth = space.parameters.filter(({ kind }) => kind !== "categorical");
  for (let k = 0; k < 50; k++) {
    for (const trials of [1, 17]) {
      const known = {
        trials,
        budget: 100,
        isOne: true,
        trends: Float64Array.from(x0, (_, i) => 9 * ((i % 3) - 1)),
      };
      const prior = optimumPrior(space, known)!;
      const x = sampleCube(space, random);
      // Within the edges, where nothing is cut off.
      for (const { index } of smooth) x[index] = Math.min(0.98, Math.max(0.02, x[index]!));
      const gradient = new Float64Array(x.length);
      expect(prior(x, gradient)).toBe(prior(x));
      for (const { index } of smooth) {
        if (Number.isNaN(x[index]!)) {
          expect(gradient[index]).toBe(0);
          continue;
        }
        const step = 1e-6;
        const [low, high] = [-step, step].map((h) => prior(x.with(index, x[index]! + h)));
        const slope = (high! - low!) / (2 * step);
        expect(Math.abs(gradient[index]! - slope)).toBeLessThan(1e-5 * (1 + Math.abs(slope)));
      }
    }
  }
});

test("derivatives are added to what is there", () => {
  const prior = believed({ a: { ...float, prior: normal } })!;
  const [alone, added] = [new Float64Array(1), Float64Array.of(5)];
  prior(Float64Array.of(0.5), alone);
  prior(Float64Array.of(0.5), added);
  expect(alone[0]).not.toBe(0);
  expect(added[0]).toBeCloseTo(5 + alone[0]!, 12);
});

test("the optimum is believed to be where the user says", () => {
  const prior = believed({ a: { ...float, prior: normal } });
  expect(at(prior, 0.3)).toBeGreaterThan(at(prior, 0.5));
  const weighted = believed({ a: { type: "categorical", choices: ["a", "b"], weights: [3, 1] } });
  expect(at(weighted, 0.25)).toBeGreaterThan(at(weighted, 0.75));
});

test("where the user says nothing it is believed to lie seldom at the ends, which are never refused", () => {
  const prior = believed({ a: float }, { trials: 1 });
  expect(at(prior, 0.5)).toBeGreaterThan(at(prior, 0.1));
  expect(at(prior, 0.1)).toBeGreaterThan(at(prior, 0));
  expect(at(prior, 0.9)).toBeCloseTo(at(prior, 0.1), 12);
  expect(at(prior, 0)).toBeGreaterThan(-Infinity);
  expect(at(believed({ a: { ...float, prior: beta } }), 1)).toBeGreaterThan(-Infinity);
});

test("what is believed fades as results come in: ten times the trials, a tenth of it", () => {
  for (const definition of [{ a: float }, { a: { ...float, prior: normal } }]) {
    const gain = (trials: number) => {
      const prior = believed(definition, { trials });
      return at(prior, 0.4) - at(prior, 0.05);
    };
    expect(gain(10)).toBeGreaterThan(0);
    expect(gain(10) / gain(100)).toBeCloseTo(10, 9);
  }
});

test("the users' beliefs last longer in a larger budget, up to a bound; the usual one does not ask for it", () => {
  const gain = (definition: SpaceDefinition, budget: number) => {
    const prior = believed(definition, { budget });
    return at(prior, 0.4) - at(prior, 0.05);
  };
  const users: SpaceDefinition = { a: { ...float, prior: normal } };
  expect(gain(users, 50)).toBeGreaterThan(gain(users, 20));
  expect(gain(users, 1000)).toBe(gain(users, 100));
  expect(gain({ a: float }, 20)).toBe(gain({ a: float }, 100));
});

test("there is nothing to believe of choices without weights, nor of parameters of few values", () => {
  expect(believed({ a: { type: "categorical", choices: ["a", "b", "c"] } })).toBeNull();
  expect(believed({ a: { type: "ordinal", choices: ["a", "b", "c"] } })).toBeNull();
  expect(believed({ a: { type: "int", low: 1, high: 8 } })).toBeNull();
  expect(believed({ a: { type: "int", low: 1, high: 9 } })).not.toBeNull();
});

test("of several optima there is no usual belief; the users' holds", () => {
  expect(believed({ a: float }, { isOne: false })).toBeNull();
  const prior = believed({ a: float, b: { ...float, prior: normal } }, { isOne: false });
  expect(at(prior, 0, 0.3)).toBe(at(prior, 0.5, 0.3));
  expect(at(prior, 0, 0.3)).toBeGreaterThan(at(prior, 0, 0.6));
});

test("in a narrow space the ends are believed half as unlikely as in a wide one", () => {
  const gain = (trends: Float64Array | null) => {
    const prior = believed({ a: float }, { trends });
    return at(prior, 0.4) - at(prior, 0.05);
  };
  expect(gain(null)).toBeGreaterThan(0);
  expect(gain(null)).toBeCloseTo(gain(Float64Array.of(0)) / 2, 12);
});

test("towards an end where results become better nothing is believed, on the other side and other axes it is", () => {
  const prior = believed({ a: float, b: float }, { trials: 1, trends: Float64Array.of(8, 0.5) });
  expect(at(prior, 1, 0.5)).toBe(at(prior, 0.5, 0.5));
  expect(at(prior, 0.05, 0.5)).toBeLessThan(at(prior, 0.5, 0.5));
  expect(at(prior, 0.5, 1)).toBeLessThan(at(prior, 0.5, 0.5));
  const down = believed({ a: float, b: float }, { trials: 1, trends: Float64Array.of(-8, 0.5) });
  expect(at(down, 0, 0.5)).toBe(at(down, 0.5, 0.5));
  expect(at(down, 1, 0.5)).toBeLessThan(at(down, 0.5, 0.5));
});
