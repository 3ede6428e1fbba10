import { compileSpace } from "../../shared/space/compile.ts";
import type { LinearConstraint, SpaceDefinition } from "../../shared/space/definition.ts";
import type { Space } from "../../shared/space/space.ts";
import type { Params } from "../../shared/values.ts";

/** Spaces whose constraints a draw never meets by chance, each with an objective that is 0 at its best allowed point. */
export interface Equation {
  readonly space: Space;
  readonly regret: (params: Params) => number;
}

const float = { type: "float", low: 0, high: 1 } as const;
const int = (high: number) => ({ type: "int", low: 0, high }) as const;
const log = { type: "float", low: 1e-3, high: 1, scale: "log" } as const;

const make = (
  definition: SpaceDefinition,
  constraints: LinearConstraint[],
  best: Readonly<Record<string, number>>,
): Equation => ({
  space: compileSpace(definition, constraints),
  regret: (params) =>
    Object.entries(best).reduce((sum, [name, value], i) => {
      const definition = params[name];
      return sum + (1 + i) * (Number(definition ?? value + 1) - value) ** 2;
    }, 0),
});

const weights = { w0: float, w1: float, w2: float, w3: float };
const all = { w0: 1, w1: 1, w2: 1, w3: 1 };
const portfolio = { w0: 0.5, w1: 0.3, w2: 0.2, w3: 0 };

export const equations: Readonly<Record<string, Equation>> = {
  "weights that sum to 1": make(weights, [{ ...all, min: 1, max: 1 }], portfolio),
  "a thin band": make(weights, [{ ...all, min: 0.99, max: 1.01 }], portfolio),
  "a very thin band": make(weights, [{ ...all, min: 0.99999, max: 1.00001 }], portfolio),
  "two equations": make(
    { ...weights, v0: float, v1: float, v2: float },
    [
      { ...all, min: 1, max: 1 },
      { v0: 1, v1: 1, v2: 1, min: 1, max: 1 },
    ],
    { ...portfolio, v0: 0.6, v1: 0.1, v2: 0.3 },
  ),
  "two equations of the same weights": make(
    weights,
    [
      { ...all, min: 1, max: 1 },
      { w0: 1, w1: -1, w3: 2, min: 0.2, max: 0.2 },
    ],
    portfolio,
  ),
  "an equation told twice": make(
    weights,
    [
      { ...all, min: 1, max: 1 },
      { w0: 2, w1: 2, w2: 2, w3: 2, min: 2, max: 2 },
    ],
    portfolio,
  ),
  "ints that sum up": make(
    { a: int(100), b: int(100), c: int(100) },
    [{ a: 1, b: 1, c: 1, min: 100, max: 100 }],
    {
      a: 50,
      b: 33,
      c: 17,
    },
  ),
  "ints and floats": make(
    { a: int(8), b: int(8), x: { ...float, high: 8 }, y: { ...float, high: 8 } },
    [{ a: 1, b: 1, x: 1, y: 1, min: 8, max: 8 }],
    { a: 3, b: 2, x: 0.5, y: 2.5 },
  ),
  "logarithmic axes": make({ a: log, b: log, c: float }, [{ a: 1, b: 1, c: 1, min: 1, max: 1 }], {
    a: 0.01,
    b: 0.1,
    c: 0.89,
  }),
  "a child that counts while it is active": make(
    {
      n: { type: "int", low: 1, high: 10 },
      x: { ...float, high: 10 },
      y: { ...float, high: 10 },
      k: { type: "categorical", choices: ["a", "b"] },
      z: { ...float, when: { k: ["b"] } },
    },
    [{ n: 1, x: 1, y: 1, z: 2, min: 12, max: 12 }],
    { n: 4, x: 4.2, y: 3, z: 0.4 },
  ),
};
