import { compileSpace } from "../../shared/space/compile.ts";
import type {
  ForbiddenCombination,
  LinearConstraint,
  SpaceDefinition,
} from "../../shared/space/definition.ts";
import type { Space } from "../../shared/space/space.ts";

/** One space of each kind that an algorithm must cope with; the contract tests walk them all. */

export const mixed: SpaceDefinition = {
  lr: { type: "float", low: 1e-5, high: 0.1, scale: "log", prior: { type: "normal", mean: 1e-3, sd: 0.5 } },
  momentum: { type: "float", low: 0, high: 0.999, scale: "reverse-log" },
  dropout: { type: "float", low: 0, high: 0.5, step: 0.1 },
  layers: { type: "int", low: 1, high: 8 },
  batch: { type: "int", low: 32, high: 1024, step: 32 },
  units: { type: "int", low: 1, high: 4096, scale: "log" },
  optimizer: { type: "categorical", choices: ["sgd", "adam", null, 3, true], weights: [1, 3, 1, 1, 1] },
  size: { type: "ordinal", choices: ["small", "medium", "large"] },
};

/** Three levels of conditions, on choices, on bounds and on values; a child is written before its parent. */
export const nested: SpaceDefinition = {
  gamma: { type: "float", low: 1e-5, high: 10, scale: "log", when: { kernel: ["rbf"] } },
  model: { type: "categorical", choices: ["svm", "forest", "none"] },
  kernel: { type: "categorical", choices: ["rbf", "poly"], when: { model: ["svm"] } },
  C: { type: "float", low: 1e-3, high: 1e3, scale: "log", when: { model: ["svm"] } },
  degree: { type: "int", low: 2, high: 5, when: { kernel: ["poly"] } },
  coef0: { type: "float", low: 0, high: 1, when: { degree: { low: 3 }, model: ["svm"] } },
  trees: { type: "int", low: 10, high: 100, step: 10, when: { model: ["forest"] } },
  bootstrap: { type: "categorical", choices: [true, false], when: { trees: [10, 20, 30, 100] } },
};

/** Finite and small, with conditions: 2 + 2 * 3 configurations. */
export const tiny: SpaceDefinition = {
  a: { type: "categorical", choices: ["x", "y"] },
  b: { type: "int", low: 1, high: 3, when: { a: ["y"] } },
  c: { type: "categorical", choices: [true, false] },
};

const floats = (d: number): SpaceDefinition =>
  Object.fromEntries(Array.from({ length: d }, (_, i) => [`x${i}`, { type: "float", low: 0, high: 1 }]));

export interface NamedSpace {
  readonly name: string;
  readonly definition: SpaceDefinition;
  readonly constraints: LinearConstraint[];
  readonly forbidden: ForbiddenCombination[];
  readonly space: Space;
  /** How many allowed configurations there are. */
  readonly size: number;
}

const named = (
  name: string,
  definition: SpaceDefinition,
  size = Infinity,
  constraints: LinearConstraint[] = [],
  forbidden: ForbiddenCombination[] = [],
): NamedSpace => ({
  name,
  definition,
  constraints,
  forbidden,
  size,
  space: compileSpace(definition, constraints, forbidden),
});

export const spaces: readonly NamedSpace[] = [
  named("mixed", mixed),
  named("nested conditions", nested),
  named("one float", floats(1)),
  named("tiny and finite", tiny, 8),
  named("one configuration", { only: { type: "int", low: 4, high: 4 } }, 1),
  named("linear constraints", floats(4), Infinity, [
    { x0: 1, x1: 1, max: 1 },
    { x2: 1, x3: -1, min: 0 },
  ]),
  named("a narrow constraint", floats(6), Infinity, [{ x0: 1, x1: 1, x2: 1, x3: 1, x4: 1, x5: 1, max: 0.4 }]),
  named("shares that sum to 1", floats(3), Infinity, [{ x0: 1, x1: 1, x2: 1, min: 1, max: 1 }]),
  named(
    "forbidden combinations",
    mixed,
    Infinity,
    [],
    [{ optimizer: "sgd", size: "large" }, { layers: 1 }, { dropout: 0.3, optimizer: null }],
  ),
  named(
    "finite and constrained",
    { m: { type: "int", low: 0, high: 9 }, n: { type: "int", low: 0, high: 9 } },
    54,
    [{ m: 1, n: 1, max: 9 }],
    [{ m: 0, n: 0 }],
  ),
  named("100 dimensions", floats(100)),
];

/** @throws if no space has that name: a test would otherwise fail far from its mistake. */
export const spaceNamed = (name: string): NamedSpace => {
  const named = spaces.find((one) => one.name === name);
  if (named === undefined) throw new Error(`test/support/spaces.ts has no space "${name}"`);
  return named;
};

/** Eight choices of twelve of which one is allowed each, and a number: allowed points exist, and drawing one is a rare luck. */
export const nearlyEmpty: NamedSpace = named(
  "nearly nothing allowed",
  {
    ...Object.fromEntries(
      Array.from({ length: 8 }, (_, i) => [
        `c${i}`,
        { type: "categorical", choices: Array.from({ length: 12 }, (_, j) => `v${j}`) } as const,
      ]),
    ),
    x: { type: "float", low: 0, high: 1 },
  },
  Infinity,
  [],
  Array.from({ length: 8 * 11 }, (_, k) => ({ [`c${k % 8}`]: `v${Math.floor(k / 8)}` })),
);
