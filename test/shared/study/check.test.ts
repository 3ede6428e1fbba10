import { expect, test } from "vitest";
import { InvalidInput } from "../../../shared/errors.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { checkStudy } from "../../../shared/study/check.ts";
import type { StudySpec } from "../../../shared/study/study.ts";
import { batchExecution, halvingScheduler } from "../../support/batch.ts";
import { specOf } from "../../support/study.ts";

const faultsOf = (change: Partial<StudySpec>, trials = 10, spending: object = {}) => {
  try {
    const spec = specOf(change);
    checkStudy(spec, compileSpace(spec.space), { trials, parallel: 4, ...spending });
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
  expect(faultsOf({ scheduler: halvingScheduler })).toMatchObject([{ fault: { kind: "rounds-need-batch" } }]);
  expect(
    faultsOf({
      scheduler: halvingScheduler,
      executor: batchExecution,
      objectives: [accuracy, { ...accuracy, metric: "b" }],
    }),
  ).toMatchObject([{ fault: { kind: "one-objective-only" } }]);
  expect(faultsOf({ scheduler: halvingScheduler, executor: batchExecution }, 100_000)).toMatchObject([
    { pointer: "/budget/trials", fault: { kind: "too-many-round-runs" } },
  ]);
});

test("every fault is told at once", () => {
  const faults = faultsOf({
    objectives: [accuracy, accuracy],
    outcomes: [{ metric: "ms", min: 2, max: 1 }],
    scheduler: halvingScheduler,
  });
  expect(faults.map(({ pointer }) => pointer)).toEqual([
    "/objectives",
    "/outcomes/0/min",
    "/scheduler/name",
    "/scheduler/name",
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

test("a variable that Hone or Batch sets for each job is refused; where checkpoints go is the study's to say", () => {
  const environment = { SEED: "1", HONE_CHECKPOINT_OUT: "s3://b/c" };
  expect(faultsOf({ executor: { ...batchExecution, environment } })).toEqual([]);
  const taken = { HONE_TOKEN: "mine", HONE_CHECKPOINT_OUT_2: "", AWS_BATCH_JOB_ID: "1" };
  expect(faultsOf({ executor: { ...batchExecution, environment: { ...environment, ...taken } } })).toEqual(
    Object.keys(taken).map((name) => ({
      pointer: `/executor/environment/${name}`,
      fault: { kind: "environment-name-taken", name },
    })),
  );
});
