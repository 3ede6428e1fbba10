/** What may be wrong with an algorithm's options on the space and budget of a study. */
export const optionFaults = {
  "harmonica-too-slow": ({ bits, degree, samples }: { bits: number; degree: number; samples: number }) =>
    `harmonica would take too long: this space has ${bits} bits, and all products of up to ${degree} of them are fitted to ${samples} trials. Lower degree or samples, or choose another algorithm.`,
  "keep-unknown": ({ name }: { name: string }) =>
    `The space has no parameter ${name}. keep names parameters that a copy takes over unchanged.`,
  "bandit-one-objective": ({ objectives }: { objectives: number }) =>
    `The bandit models what one objective gains; this study has ${objectives}. Leave explore out, so that settings are perturbed.`,
  "race-of-objectives": ({ objectives }: { objectives: number }) =>
    `A race compares configurations by one objective; this study has ${objectives}. Choose another algorithm, or make one objective of them.`,
  "too-few-instances": ({ runs, firstTest }: { runs: number; firstTest: number }) =>
    `The first test comes after ${firstTest} instances, and the study has ${runs}. Lower algorithm.firstTest to at most ${runs}, or give more instances or seeds.`,
  "race-budget": ({ trials, least }: { trials: number; least: number }) =>
    `Races of this space need at least ${least} trials, each of them one configuration on one instance; the budget is ${trials}. Raise budget.trials, or choose another algorithm.`,
};
