import { describe, expect, test } from "vitest";
import type { Result } from "../../../bench/quality/results.ts";
import { describe as inMarkdown, sectionsOf } from "../../../bench/quality/sections.ts";
import { tasksOf } from "../../../bench/quality/suite.ts";

const run = (searcher: string, problem: string, trials: number, value: number, parallel = 1): Result => ({
  searcher,
  version: "1",
  problem,
  seed: 0,
  parallel,
  trials,
  best: 0,
  typical: 10,
  reference: null,
  seconds: 1,
  trace: Array.from({ length: trials }, () => ({ values: [value], value, isFeasible: true })),
});

const part = { groups: ["few-tuning"], searchers: ["a", "b", "c"], seeds: 1, trials: 50, parallel: [1] };
const any = () => true;
const PROBLEMS = ["tuning:svm", "tuning:histogram"];

describe("sections of a report", () => {
  test("first compare searchers that ran everything, then all searchers on their common studies", () => {
    const results = [
      ...PROBLEMS.flatMap((problem) => [run("a", problem, 50, 1), run("b", problem, 50, 2)]),
      run("c", "tuning:svm", 25, 0),
    ];
    const section = sectionsOf([part], results, any)[1]!;
    expect(section.comparisons.map(({ searchers, trials, at }) => ({ searchers, trials, at }))).toEqual([
      { searchers: ["a", "b"], trials: 50, at: [10, 25, 50] },
      { searchers: ["a", "b", "c"], trials: 25, at: [10, 25] },
    ]);
    expect(section.comparisons.map(({ rows }) => rows[0]!.studies)).toEqual([2, 1]);
    expect(section.lacking).toEqual(["c 1 of 2 studies, 25 trials"]);
    expect(inMarkdown(section)).toContain("Ran less than others: c 1 of 2 studies, 25 trials.");
  });

  test("name searchers that finished nothing", () => {
    const section = sectionsOf([part], [run("a", "tuning:svm", 50, 1)], any)[0]!;
    expect(section.lacking).toEqual(["b 0 of 1 studies", "c 0 of 1 studies"]);
  });

  test("do not count problems that a searcher does not support as missing", () => {
    const results = PROBLEMS.map((problem) => run("a", problem, 50, 1));
    const able = (searcher: string, problem: string) => searcher === "a" || problem === "tuning:svm";
    const section = sectionsOf([part], [...results, run("b", "tuning:svm", 50, 2)], able)[0]!;
    expect(section.comparisons.map(({ searchers }) => searchers)).toEqual([["a"], ["a", "b"]]);
    expect(section.lacking).toEqual(["c 0 of 1 studies"]);
  });

  test("exist for each parallelism and group, and for all groups together", () => {
    const parts = [{ ...part, groups: ["few-tuning", "few-noisy"], parallel: [1, 4] }];
    const results = [run("a", "tuning:svm", 50, 1), run("a", "tuning:svm", 50, 1, 4)];
    expect(sectionsOf(parts, results, any).map(({ group, parallel }) => `${group} ${parallel}`)).toEqual([
      "all 1",
      "few-tuning 1",
      "all 4",
      "few-tuning 4",
    ]);
  });

  test("use the run of the requested length, otherwise a longer one, and the newest of several", () => {
    const results = [60, 50, 50].map((trials, value) => run("a", "tuning:svm", trials, value));
    const regretOf = (known: readonly Result[]) =>
      sectionsOf([part], known, any)[0]!.comparisons[0]!.rows[0]!;
    expect(regretOf(results).regret.at(-1)).toBe(0.2);
    expect(regretOf(results.slice(0, 1)).regret.at(-1)).toBe(0);
  });
});

describe("tasks of a form", () => {
  test("have no duplicates, and the largest number of trials that any part asks for", () => {
    const parts = [part, { ...part, searchers: ["a"], trials: 100, parallel: [1, 4] }];
    const tasks = tasksOf(parts, (_, problem) => problem === "tuning:svm");
    expect(tasks.map(({ searcher, trials, parallel }) => [searcher, trials, parallel])).toEqual([
      ["a", 100, 1],
      ["b", 50, 1],
      ["c", 50, 1],
      ["a", 100, 4],
    ]);
  });
});
