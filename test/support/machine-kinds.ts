/** What makes a study one that a state machine runs, by what it runs. */
export const byMachine = {
  rounds: { scheduler: { name: "sha", resource: { name: "epoch", min: 1, max: 3 }, eta: 3 } },
  folds: {
    evaluation: {
      type: "nested-cv",
      samples: 60,
      outer: { folds: 2, kind: "plain" },
      inner: { folds: 2, together: true },
    },
  },
  generations: {
    algorithm: { name: "pbt", population: 2, seed: 1 },
    scheduler: { name: "segments", type: "synchronous", resource: { name: "epoch", min: 1, max: 3 } },
  },
};
