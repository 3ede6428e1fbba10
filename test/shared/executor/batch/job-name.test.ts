import fc from "fast-check";
import { expect, test } from "vitest";
import { jobName, parseJobName } from "../../../../shared/executor/batch/job-name.ts";

test("a job's name gives the attempt back, for every id, also one that ends in numbers", () => {
  const id = fc.stringMatching(/^[a-z0-9][a-z0-9-]{2,62}$/);
  fc.assert(
    fc.property(
      id,
      fc.nat({ max: 99_999_999 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (study, trial, attempt) => {
        const name = jobName({ study, trial, attempt });
        expect(parseJobName(name)).toEqual({ study, trial, attempt });
        expect(name.length).toBeLessThanOrEqual(128);
        expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]*$/);
      },
    ),
  );
});

test("two attempts never share a name", () => {
  const names = [
    jobName({ study: "svm-1", trial: 1, attempt: 1 }),
    jobName({ study: "svm", trial: 1, attempt: 1 }),
    jobName({ study: "svm-1", trial: 11, attempt: 1 }),
    jobName({ study: "svm-1", trial: 1, attempt: 11 }),
  ];
  expect(new Set(names).size).toBe(names.length);
});

test.each([
  "nightly-report",
  "hone-",
  "hone-svm-1",
  "hone-svm-x-1",
  "hone-SVM-0-1",
  "xhone-svm-0-1",
  "hone-svm-0-1-",
])("%s is not the name of a job of ours", (name) => {
  expect(parseJobName(name)).toBeNull();
});
