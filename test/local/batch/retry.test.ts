import { expect, test } from "vitest";
import { type AttemptEnd, retries } from "../../../local/batch/retry.ts";

const failed: AttemptEnd = {
  exitCode: 1,
  reason: null,
  statusReason: "Essential container in task exited",
  by: "itself",
};
const reclaimed: AttemptEnd = {
  exitCode: null,
  reason: null,
  statusReason: "Host EC2 (instance i-0123456789abcdef0) terminated.",
  by: "host",
};
/** The rules of the stack's job definition. */
const rules = {
  attempts: 3,
  evaluateOnExit: [
    { action: "RETRY", onStatusReason: "Host EC2*" },
    { action: "RETRY", onExitCode: "75" },
    { action: "EXIT", onReason: "*" },
  ],
};

test("without a strategy a job runs once", () => {
  expect(retries(undefined, 1, failed)).toBe(false);
});

test("attempts without rules retry any failure until they are used up", () => {
  expect([1, 2, 3].map((attempt) => retries({ attempts: 3 }, attempt, failed))).toEqual([true, true, false]);
});

test("the first rule that matches decides", () => {
  expect(retries(rules, 1, reclaimed)).toBe(true);
  expect(retries(rules, 1, { ...failed, exitCode: 75 })).toBe(true);
  expect(retries(rules, 1, failed)).toBe(false);
});

test("a job that no rule matches is retried", () => {
  const only = { attempts: 2, evaluateOnExit: [{ action: "EXIT", onExitCode: "2" }] };
  expect(retries(only, 1, failed)).toBe(true);
});

test("all conditions of a rule must hold", () => {
  const both = {
    attempts: 2,
    evaluateOnExit: [{ action: "EXIT", onExitCode: "1", onReason: "OutOfMemory*" }],
  };
  expect(retries(both, 1, failed)).toBe(true);
  expect(retries(both, 1, { ...failed, reason: "OutOfMemoryError: Container killed" })).toBe(false);
});

test("only a star at the end is a wildcard; other characters match literally", () => {
  const strategy = (onExitCode: string) => ({
    attempts: 2,
    evaluateOnExit: [{ action: "exit", onExitCode }],
  });
  expect(retries(strategy("13*"), 1, { ...failed, exitCode: 137 })).toBe(false);
  expect(retries(strategy("13"), 1, { ...failed, exitCode: 137 })).toBe(true);
});

test("time-outs and terminations are never retried", () => {
  expect(retries({ attempts: 10 }, 1, { ...failed, by: "timeout" })).toBe(false);
  expect(retries({ attempts: 10 }, 1, { ...failed, by: "termination" })).toBe(false);
});
