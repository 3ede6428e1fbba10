import { expect, test } from "vitest";
import { InvalidInput } from "../../../shared/errors.ts";
import { createRandom } from "../../../shared/numerics/random.ts";
import { PRICES } from "../../../shared/prices.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { isAllowed } from "../../../shared/space/constraints.ts";
import { sampleCube } from "../../../shared/space/sample.ts";
import { checkStudy } from "../../../shared/study/check.ts";
import type { StudySpec } from "../../../shared/study/study.ts";
import { batchExecution, halvingScheduler } from "../../support/batch.ts";
import { specOf } from "../../support/study.ts";

const faultsOf = (change: Partial<StudySpec>, trials = 10, spending: object = {}) => {
  try {
    const spec = specOf(change);
    const budget = { trials, parallel: 4, ...spending };
    checkStudy(spec, compileSpace(spec.space, spec.constraints), budget, PRICES.spot);
  } catch (error) {
    if (error instanceof InvalidInput) return error.errors;
    throw error;
  }
  return [];
};

const accuracy = { metric: "accuracy", direction: "maximize" } as const;

test("a study that names each metric once, within limits that can be met, is accepted", () => {
  expect(
    faultsOf({
      outcomes: [
        { metric: "accuracy", min: 0.5 },
        { metric: "ms", min: 3, max: 3 },
      ],
    }),
  ).toEqual([]);
});

test("a metric that is named twice is refused, among the objectives and among the outcomes", () => {
  expect(faultsOf({ objectives: [accuracy, accuracy] })).toEqual([
    {
      pointer: "/objectives",
      fault: { kind: "metric-named-twice", metric: "accuracy", field: "objectives" },
    },
  ]);
  expect(
    faultsOf({
      outcomes: [
        { metric: "ms", max: 3 },
        { metric: "ms", min: 1 },
      ],
    }),
  ).toEqual([
    { pointer: "/outcomes", fault: { kind: "metric-named-twice", metric: "ms", field: "outcomes" } },
  ]);
});

test("limits that no value meets are refused with their place", () => {
  expect(
    faultsOf({
      outcomes: [
        { metric: "ms", max: 3 },
        { metric: "size", min: 2, max: 1 },
      ],
    }),
  ).toEqual([{ pointer: "/outcomes/1/min", fault: { kind: "min-above-max", min: 2, max: 1 } }]);
});

test("a scheduler is asked whether it suits the executor, the objectives and the budget", () => {
  expect(faultsOf({ scheduler: halvingScheduler, executor: batchExecution })).toEqual([]);
  expect(faultsOf({ scheduler: halvingScheduler }, 100_000)).toEqual([]);
  expect(faultsOf({ scheduler: halvingScheduler, executor: batchExecution }, 100_000)).toMatchObject([
    { pointer: "/budget/trials", fault: { kind: "too-many-in-rung" } },
  ]);
});

test("the variables of jobs, and the secrets that they are, are looked at", () => {
  const secrets = { TOKEN: { parameter: "/hone/another/token" } };
  expect(faultsOf({ executor: { ...batchExecution, secrets } })).toMatchObject([
    { pointer: "/executor/secrets/TOKEN/parameter", fault: { kind: "secret-elsewhere" } },
  ]);
});

test("every fault is told at once", () => {
  const faults = faultsOf({
    objectives: [accuracy, accuracy],
    outcomes: [{ metric: "ms", min: 2, max: 1 }],
    scheduler: { ...halvingScheduler, resource: { name: "epoch", min: 9, max: 3 } },
  });
  expect(faults.map(({ pointer }) => pointer)).toEqual([
    "/objectives",
    "/outcomes/0/min",
    "/scheduler/resource/min",
  ]);
});

test("limits of spending are refused where Hone cannot keep to them", () => {
  const both = { gpuHours: 1, dollars: 2 };
  expect(faultsOf({}, 10, both)).toEqual([
    { pointer: "/budget/gpuHours", fault: { kind: "spending-of-client", field: "gpuHours" } },
    { pointer: "/budget/dollars", fault: { kind: "spending-of-client", field: "dollars" } },
  ]);
  expect(faultsOf({ executor: { ...batchExecution, gpus: 0 } }, 10, both)).toEqual([
    { pointer: "/budget/gpuHours", fault: { kind: "gpu-hours-without-gpus" } },
  ]);
  expect(faultsOf({ executor: batchExecution }, 10, both)).toEqual([]);
});

test.each<[string, number, number, string]>([
  ["infinities of both signs", 1e308, -1e308, "/constraints/0/x"],
  ["one infinity", 1e308, 1e308, "/constraints/0/x"],
  ["a coefficient whose square overflows", 1, -1e151, "/constraints/0/y"],
  ["a sum that is too large", 1e149, -1e149, "/constraints/0"],
])("a constraint that could add up to %s is refused", (_, x, y, pointer) => {
  const space = {
    x: { type: "float", low: -10, high: 10 },
    y: { type: "float", low: -10, high: 10 },
  } as const;
  expect(faultsOf({ space, constraints: [{ x, y, max: 1 }] })).toEqual([
    { pointer, fault: { kind: "constraint-too-large", most: 1e150 } },
  ]);
});

test("the largest constraint that is accepted can be kept", () => {
  const x = { type: "float", low: 0, high: 1 } as const;
  const space = { x, y: x };
  const constraints = [{ x: 5e149, y: -5e149, max: -1e149 }];
  expect(faultsOf({ space, constraints })).toEqual([]);
  const compiled = compileSpace(space, constraints);
  const random = createRandom(1, 0);
  for (let i = 0; i < 100; i++) {
    const point = sampleCube(compiled, random);
    expect(isAllowed(compiled, point)).toBe(true);
    expect(point[1]! - point[0]!).toBeGreaterThanOrEqual(0.2 - 1e-8);
  }
});
