/** The problems of each group, and which groups each form of the bench runs. */

const bbob = (functions: readonly number[], dimensions: readonly number[]): string[] =>
  dimensions.flatMap((d) => functions.map((f) => `bbob:f${f}-d${d}`));

export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  /** Separable, ill-conditioned, multimodal, and with weak structure: some of each class of BBOB. */
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
  constrained: ["constrained:disc", "constrained:size"],
  two: ["two:zdt1", "two:zdt2", "two:size"],
};

/** One run of the bench: which problems, how many seeds, who takes part. */
export interface Form {
  readonly groups: readonly string[];
  readonly seeds: number;
  readonly trials: number;
  readonly searchers: readonly string[];
}

export const FORMS: Readonly<Record<string, Form>> = {
  short: {
    groups: ["bbob", "tuning", "held-out", "noisy"],
    seeds: 2,
    trials: 100,
    searchers: [
      "auto",
      "tpe",
      "random",
      "optuna-tpe-multivariate",
      "optuna-gp",
      "smac3",
      "nevergrad",
      "pycma",
    ],
  },
  long: {
    groups: Object.keys(GROUPS),
    seeds: 5,
    trials: 200,
    searchers: [
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
      "optuna-cma-es",
      "smac3",
      "nevergrad",
      "pycma",
      "skopt",
      "ax",
      "hebo",
      "vizier",
    ],
  },
};

/** Searchers of one objective without constraints only. */
export const SIMPLE = new Set(["pycma", "skopt", "hebo", "vizier", "optuna-cma-es"]);
