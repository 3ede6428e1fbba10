import { expect, test } from "vitest";
import { InvalidInput } from "../../../shared/errors.ts";
import { finiteOnly, judge, judgePruned } from "../../../shared/study/result.ts";
import { specOf } from "../../support/study.ts";

const spec = specOf({ outcomes: [{ metric: "latencyMs", max: 50 }] });

const faultsOf = (values: Parameters<typeof judge>[1]) => {
  try {
    judge(spec, values, "/values");
  } catch (error) {
    if (error instanceof InvalidInput) return error.errors;
    throw error;
  }
  return [];
};

test("values of every objective and outcome complete a trial, with what was told beside them", () => {
  const values = { accuracy: 0.5, latencyMs: 10, extra: -1e300 };
  expect(judge(spec, values, "/values")).toEqual({ state: "completed", values });
});

test.each(["nan", "inf", "-inf"] as const)("a metric told as %s fails the trial and says which", (told) => {
  expect(judge(spec, { accuracy: 1, latencyMs: told }, "/values")).toEqual({
    state: "failed",
    reason: `The metric latencyMs was told as "${told}".`,
  });
  expect(judge(spec, { accuracy: 1, latencyMs: 1, extra: told }, "/values").state).toBe("failed");
});

test("each missing metric is named with its place, its role and what was told instead", () => {
  expect(faultsOf({ acuracy: 1 })).toEqual([
    {
      pointer: "/values/accuracy",
      fault: { kind: "metric-missing", metric: "accuracy", role: "objective", told: "acuracy" },
    },
    {
      pointer: "/values/latencyMs",
      fault: { kind: "metric-missing", metric: "latencyMs", role: "outcome", told: "acuracy" },
    },
  ]);
  expect(faultsOf({ accuracy: 1 }).map(({ pointer }) => pointer)).toEqual(["/values/latencyMs"]);
  expect(faultsOf({})[0]?.fault).toMatchObject({ told: "nothing" });
});

test("a metric that is both objective and outcome is asked for once, as an objective", () => {
  const both = specOf({ outcomes: [{ metric: "accuracy", min: 0.2 }] });
  expect(() => judge(both, {}, "/values")).toThrow(
    expect.objectContaining({
      errors: [expect.objectContaining({ fault: expect.objectContaining({ role: "objective" }) })],
    }),
  );
});

test("no more than ten of the told metrics are repeated", () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`m${i}`, i]));
  expect(faultsOf(many)[0]?.fault).toMatchObject({ told: "m0, m1, m2, m3, m4, m5, m6, m7, m8, m9" });
});

test("a point of a learning curve keeps what is finite", () => {
  expect(finiteOnly({ loss: "nan", accuracy: 0.5, other: "inf" })).toEqual({ accuracy: 0.5 });
});

test("a client may prune a trial with values of every objective, or without any", () => {
  const values = { accuracy: 0.5, extra: 2 };
  expect(judgePruned(spec, "my rule", values, "/values")).toEqual({
    state: "pruned",
    reason: "my rule",
    values,
  });
  expect(judgePruned(spec, "my rule", undefined, "/values")).toEqual({
    state: "pruned",
    reason: "my rule",
    values: null,
  });
  expect(() => judgePruned(spec, "my rule", { latencyMs: 3 }, "/values")).toThrow(InvalidInput);
});

test("a pruned trial with a metric that is not finite has failed", () => {
  expect(judgePruned(spec, "my rule", { accuracy: "nan" }, "/values")).toEqual({
    state: "failed",
    reason: 'The metric accuracy was told as "nan".',
  });
});
