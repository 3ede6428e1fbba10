/** The problems of each group, and the parts of each form of the benchmark. */

const bbob = (functions: readonly number[], dimensions: readonly number[]): string[] =>
  dimensions.flatMap((d) => functions.map((f) => `bbob:f${f}-d${d}`));

export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  /** Some functions of each class of BBOB: separable, ill-conditioned, multimodal, and with weak structure. */
  bbob: bbob([1, 3, 8, 10, 14, 15, 20, 21], [2, 5, 10]),
  "bbob-large": bbob([1, 8, 15, 20], [20, 40]),
  "bbob-rest": bbob([2, 4, 5, 6, 7, 9, 11, 12, 13, 16, 17, 18, 19, 22, 23, 24], [2, 5, 10]),
  tuning: ["svm", "neighbours", "forest", "histogram", "linear", "kernel-ridge"].map(
    (name) => `tuning:${name}`,
  ),
  "held-out": ["network", "pipeline", "regression", "boosting", "lightgbm", "xgboost"].map(
    (name) => `tuning:held-${name}`,
  ),
  noisy: ["noisy:bbob:f8-d5", "noisy:bbob:f15-d5", "noisy:tuning:svm", "noisy:tuning:forest"],
  constrained: ["constrained:disc", "constrained:gramacy", "constrained:spring", "constrained:size"],
  two: ["two:zdt1", "two:zdt2", "two:size"],
  /** A few of each, for a short run and for the peers that need seconds per ask. */
  "few-bbob": ["bbob:f1-d2", "bbob:f8-d5", "bbob:f15-d10", "bbob:f21-d5", "bbob:f10-d20", "bbob:f1-d40"],
  "few-tuning": ["tuning:svm", "tuning:histogram", "tuning:held-pipeline", "tuning:held-xgboost"],
  "few-noisy": ["noisy:tuning:svm"],
  "few-constrained": ["constrained:gramacy", "constrained:size"],
  "few-two": ["two:zdt1", "two:size"],
};

/** One study of one searcher. */
export interface Task {
  readonly searcher: string;
  readonly problem: string;
  readonly seed: number;
  readonly trials: number;
  /** Number of trials that are always open. */
  readonly parallel: number;
}

/** A part of a form: all of its searchers on all of its groups, at every parallelism. */
export interface Part {
  readonly groups: readonly string[];
  readonly searchers: readonly string[];
  readonly seeds: number;
  readonly trials: number;
  readonly parallel: readonly number[];
}

const QUICK = [
  "auto",
  "tpe",
  "random",
  "optuna-tpe-multivariate",
  "optuna-gp",
  "smac3",
  "nevergrad",
  "pycma",
];
const LONG = [
  "auto",
  "gp",
  "tpe",
  "smac",
  "rbf",
  "cma-es",
  "evolution",
  "random",
  "optuna-tpe",
  "optuna-tpe-multivariate",
  "optuna-gp",
  "optuna-gp-flat",
  "optuna-cma-es",
  "smac3",
  "nevergrad",
  "pycma",
];
/** These need seconds per ask. */
const SLOW = ["skopt", "ax", "hebo", "vizier"];
const FEW = ["few-bbob", "few-tuning", "few-noisy", "few-constrained", "few-two"];
const FULL = ["bbob", "bbob-large", "tuning", "held-out", "noisy", "constrained", "two"];

export const FORMS: Readonly<Record<string, readonly Part[]>> = {
  /** Minutes. */
  short: [
    { groups: FEW, searchers: QUICK, seeds: 1, trials: 50, parallel: [1] },
    { groups: ["few-tuning"], searchers: QUICK, seeds: 1, trials: 50, parallel: [4, 16] },
  ],
  /** Hours: the slow peers run only a few problems, because all would take days. */
  long: [
    { groups: FULL, searchers: LONG, seeds: 3, trials: 200, parallel: [1] },
    { groups: ["bbob-rest"], searchers: LONG, seeds: 1, trials: 100, parallel: [1] },
    { groups: ["tuning", "held-out", "few-bbob"], searchers: LONG, seeds: 2, trials: 100, parallel: [4, 16] },
    {
      groups: ["few-bbob", "tuning", "held-out", "few-noisy", "few-constrained", "few-two"],
      searchers: SLOW,
      seeds: 1,
      trials: 100,
      parallel: [1],
    },
    { groups: ["few-tuning"], searchers: SLOW, seeds: 1, trials: 50, parallel: [4, 16] },
  ],
};

/** All tasks of the parts without duplicates, each with the largest number of trials that any part asks for. */
export const tasksOf = (
  parts: readonly Part[],
  isAble: (searcher: string, problem: string) => boolean,
): Task[] => {
  const tasks = new Map<string, Task>();
  for (const { groups, searchers, seeds, trials, parallel } of parts) {
    for (const searcher of searchers) {
      for (const problem of groups.flatMap(problemsOf)) {
        if (!isAble(searcher, problem)) continue;
        for (let seed = 0; seed < seeds; seed++) {
          for (const open of parallel) {
            const task = { searcher, problem, seed, trials, parallel: open };
            const key = [searcher, problem, seed, open].join(" ");
            if ((tasks.get(key)?.trials ?? 0) < trials) tasks.set(key, task);
          }
        }
      }
    }
  }
  return [...tasks.values()];
};

export const problemsOf = (group: string): readonly string[] => {
  const problems = GROUPS[group];
  if (problems === undefined)
    throw new Error(`There is no group ${group}; there are ${Object.keys(GROUPS).join(", ")}.`);
  return problems;
};
