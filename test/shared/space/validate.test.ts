import fc from "fast-check";
import { expect, test } from "vitest";
import { faultsInWords, InvalidInput } from "../../../shared/errors.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube } from "../../../shared/space/cube.ts";
import type { Space } from "../../../shared/space/space.ts";
import { validateConfiguration } from "../../../shared/space/validate.ts";
import type { Params } from "../../../shared/values.ts";
import { anySpaceAndPoint } from "../../support/arbitraries.ts";

const AT = "/trials/0/params";

const pointers = (space: Space, params: Params) => {
  try {
    validateConfiguration(space, params, AT);
  } catch (error) {
    if (error instanceof InvalidInput) return error.errors.map(({ pointer }) => pointer);
    throw error;
  }
  return [];
};

const space = compileSpace(
  {
    lr: { type: "float", low: 1e-5, high: 0.1, scale: "log" },
    layers: { type: "int", low: 1, high: 8 },
    rate: { type: "float", low: 0, high: 0.5, step: 0.1 },
    optimizer: { type: "categorical", choices: ["sgd", "adam", 1, true, null] },
    momentum: { type: "float", low: 0, high: 0.99, when: { optimizer: ["sgd"] } },
    nesterov: { type: "categorical", choices: [true, false], when: { momentum: { low: 0.5 } } },
  },
  [{ layers: 1, rate: 10, max: 9 }],
  [{ optimizer: "adam", layers: 1 }],
);

const good = { lr: 0.01, layers: 2, rate: 0.1, optimizer: "adam" };

test("whatever the space makes of a point of the cube is valid, whatever the order of its keys", () => {
  fc.assert(
    fc.property(anySpaceAndPoint(), ({ space, point }) => {
      const params = fromCube(space, point);
      const reversed = Object.fromEntries(Object.entries(params).reverse());
      const checked = validateConfiguration(space, reversed, AT);
      expect(checked).toEqual(params);
      expect(Object.keys(checked)).toEqual(Object.keys(params));
    }),
    { numRuns: 300 },
  );
});

test.each<[string, Params, string[]]>([
  ["an unknown parameter", { ...good, dropout: 1 }, ["/dropout"]],
  ["a missing parameter", { lr: 0.01, layers: 2, optimizer: "adam" }, ["/rate"]],
  ["a parameter that does not exist here", { ...good, momentum: 0.5 }, ["/momentum"]],
  ["a missing child", { ...good, optimizer: "sgd" }, ["/momentum"]],
  ["a number below its bounds", { ...good, lr: 1e-6 }, ["/lr"]],
  ["a number above its bounds", { ...good, layers: 9 }, ["/layers"]],
  ["a broken int", { ...good, layers: 2.5 }, ["/layers"]],
  ["a number off its steps", { ...good, rate: 0.15 }, ["/rate"]],
  ["text for a number", { ...good, layers: "2" }, ["/layers"]],
  ["a value that is no choice", { ...good, optimizer: "lion" }, ["/optimizer"]],
  ["a number that looks like a choice", { ...good, optimizer: "1" }, ["/optimizer"]],
  ["a broken constraint", { ...good, layers: 8, rate: 0.2 }, [""]],
  ["a forbidden combination", { ...good, layers: 1 }, [""]],
  [
    "several faults, told at once",
    { lr: 0, layers: 99, rate: 0.1, optimizer: 2 },
    ["/lr", "/layers", "/optimizer"],
  ],
  ["a method's name", { ...good, toString: 1 }, ["/toString"]],
])("%s is refused at its field", (_, params, expected) => {
  expect(pointers(space, params)).toEqual(expected.map((pointer) => AT + pointer));
});

test("of the children of a faulty parent nothing is said", () => {
  expect(pointers(space, { ...good, optimizer: "SGD", momentum: 0.5, nesterov: true })).toEqual([
    `${AT}/optimizer`,
  ]);
});

test("a nested child is asked for when its parent's value brings it to life", () => {
  const sgd = { ...good, optimizer: "sgd" };
  expect(pointers(space, { ...sgd, momentum: 0.9 })).toEqual([`${AT}/nesterov`]);
  expect(pointers(space, { ...sgd, momentum: 0.9, nesterov: false })).toEqual([]);
  expect(pointers(space, { ...sgd, momentum: 0.4, nesterov: false })).toEqual([`${AT}/nesterov`]);
});

test("representation noise of a step is taken off, and -0 becomes 0", () => {
  const valid = validateConfiguration(space, { ...good, rate: 0.1 + 0.2 }, AT);
  expect(valid.rate).toBe(0.3);
  expect(Object.is(validateConfiguration(space, { ...good, rate: -0 }, AT).rate, 0)).toBe(true);
});

test("the sentence of a fault says which values are right", () => {
  const details = (params: Params) => {
    try {
      validateConfiguration(space, params, AT);
      return [];
    } catch (error) {
      if (error instanceof InvalidInput) return faultsInWords(error.errors).map(({ detail }) => detail);
      throw error;
    }
  };
  expect(details({ ...good, layers: "2" })).toEqual(['"2" is not a whole number from 1 to 8.']);
  expect(details({ ...good, rate: 0.15 })).toEqual(["0.15 is not a number from 0 to 0.5 in steps of 0.1."]);
  expect(details({ ...good, optimizer: "lion" })).toEqual([
    '"lion" is not one of "sgd", "adam", 1, true, null.',
  ]);
  expect(details({ lr: 0.01, layers: 2, optimizer: "adam" })).toEqual([
    "rate is missing. Give a number from 0 to 0.5 in steps of 0.1.",
  ]);
  expect(details({ ...good, momentum: 0.5 })).toEqual([
    "momentum does not exist with this value of optimizer. Leave it out.",
  ]);
});
