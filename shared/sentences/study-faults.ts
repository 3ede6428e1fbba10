type Direction = "minimize" | "maximize";

/** What may be wrong with a field of a study or a trial, outside its search space. */
export const studyFaults = {
  "metric-named-twice": ({ metric, field }: { metric: string; field: "objectives" | "outcomes" }) =>
    field === "objectives"
      ? `${metric} is named twice. Name each metric once.`
      : `${metric} is named twice. Give its max and min together.`,
  "too-many-in-rung": ({ scheduler, most }: { scheduler: string; most: number }) =>
    `In a batch study a rung of ${scheduler} has at most ${most} trials. Lower the budget of trials, or choose the scheduler asha.`,
  "spending-of-client": ({ field }: { field: "dollars" | "gpuHours" }) =>
    `Hone cannot know what the trials of a client study cost, so it cannot keep to budget.${field}. Leave it out, or let Hone run the trials: executor {"type": "batch"}.`,
  "gpu-hours-without-gpus": () =>
    "The trials of this study use no GPUs, so budget.gpuHours would limit nothing. Set executor.gpus, or limit budget.dollars.",
  "environment-name-taken": ({ name }: { name: string }) =>
    `Hone or AWS Batch sets ${name} itself. Use a name that does not begin with HONE_ or AWS_BATCH.`,
  "variable-twice": ({ name }: { name: string }) =>
    `${name} stands in executor.environment, too. Leave it out there, or give the secret another name.`,
  "secret-elsewhere": ({ prefix }: { prefix: string }) =>
    `A study may name secrets of its own team only, which begin with ${prefix}. Store it as ${prefix}name, for example.`,
  "secret-like-an-arn": ({ end }: { end: string }) =>
    `Secrets Manager would take ${end}, a hyphen and six characters, for an end that it added itself, and not find the secret. Store it under a name that ends in another way.`,
  "too-many-comparisons": ({ most }: { most: number }) =>
    `A trial would be compared more than ${most} times. Raise scheduler.every.`,
  "one-objective-only": ({ scheduler, objectives }: { scheduler: string; objectives: number }) =>
    `${scheduler} models the learning curve of one objective; this study has ${objectives}. Choose another scheduler.`,
  "too-many-segments": ({ segments, most }: { segments: number; most: number }) =>
    `A run would be cut into ${segments} segments; it has at most ${most}. Raise scheduler.resource.min.`,
  "generations-of-client": () =>
    'Hone makes a generation wait for the one before only where it runs the trials itself. Leave scheduler.type out, or set executor {"type": "batch"}.',
  "segments-without-resource": ({ algorithm }: { algorithm: string }) =>
    `${algorithm} goes on from checkpoints: say how long a segment is and where a run ends, as in scheduler {"resource": {"name": "epoch", "min": 5, "max": 50}}.`,
  "segments-of-nobody": ({ algorithm }: { algorithm: string }) =>
    `The algorithm ${algorithm} goes on from no checkpoint of another trial, so there are no segments. Choose the algorithm pbt, or another scheduler.`,
  "spending-below-folds": ({
    field,
    limit,
    least,
    folds,
  }: {
    field: "dollars" | "gpuHours";
    limit: number;
    least: number;
    folds: number;
  }) =>
    `budget.${field} is shared among ${folds} outer folds, and each needs at least a trial and a refit, which may run until their time-out: ${least} in all. Raise it from ${limit}, or lower executor.timeoutSeconds.`,
  "nested-segments": () =>
    "A winner whose trials are segments of longer runs is a schedule, which its refit, a single trial, cannot repeat. Choose another scheduler, and an algorithm that needs no segments.",
  "lineage-of-folds": () =>
    "Each outer fold of nested cross-validation has a best trial of its own. Say which trial: ?trial=4, for example.",
  "nested-objectives": ({ objectives }: { objectives: number }) =>
    `Nested cross-validation needs one winner of each outer fold, so one objective; this study has ${objectives}.`,
  "too-many-folds": ({ folds, most }: { folds: number; most: number }) =>
    `${folds} outer folds over all repeats; at most ${most}. Lower the folds or the repeats.`,
  "time-series-repeated": () =>
    "A time series has one order, so its folds cannot be drawn anew. Leave repeats out.",
  "too-few-samples": ({ samples }: { samples: number }) =>
    `${samples} samples are too few for these outer and inner folds. Lower the folds.`,
  "earlier-useless": ({ algorithm }: { algorithm: string }) =>
    `${algorithm} does not learn from results of other studies. Leave warmStart out, or choose the algorithm auto, gp or tpe.`,
  "earlier-of-nested": () =>
    "Nested cross-validation estimates what a search comes to from nothing, so it has no warm start. Leave warmStart out, or evaluation.",
  "earlier-nested": ({ study }: { study: string }) =>
    `${study} is a nested cross-validation, whose folds search by themselves. Name another study.`,
  "earlier-twice": ({ study }: { study: string }) => `${study} is named twice. Name each study once.`,
  "earlier-parameter": ({
    study,
    name,
    known,
    hasMore,
  }: {
    study: string;
    name: string;
    known: readonly string[];
    hasMore: boolean;
  }) =>
    `${study} has no parameter ${name}; it has ${known.join(", ")}${hasMore ? " and others" : ""}. Give its name there, and then the name here.`,
  "renamed-twice": ({ name }: { name: string }) =>
    `Two parameters would become ${name}. Give each a name of its own.`,
  "assumed-known": ({ study, name }: { study: string; name: string }) =>
    `The trials of ${study} have values of ${name} themselves. Leave it out of assume.`,
  "earlier-objective": ({
    study,
    metric,
    direction,
    objectives,
  }: {
    study: string;
    metric: string;
    direction: Direction;
    objectives: readonly { readonly metric: string; readonly direction: Direction }[];
  }) =>
    `${study} does not ${direction} ${metric}: it has ${objectives
      .map((one) => `${one.metric} (${one.direction})`)
      .join(
        ", ",
      )}. If one of them is the same under another name, say so in metrics: {"name there": "${metric}"}; otherwise leave the study out.`,
  "earlier-nothing-common": ({ study }: { study: string }) =>
    `No parameter of ${study} is one of this study. Say in rename which are the same, or leave the study out.`,
  "race-without-runs": ({ algorithm }: { algorithm: string }) =>
    `${algorithm} races configurations over several runs of each, and here each has one. Give evaluation, such as {"type": "instances", "count": 10} for ten folds or {"type": "replicates", "count": 100} for seeds; leave evaluation.inner.together out of nested cross-validation; or choose another algorithm.`,
  "result-of-race": ({ algorithm }: { algorithm: string }) =>
    `${algorithm} compares configurations on the instances that it runs them on itself, so a result from elsewhere cannot enter a race. Leave values out.`,
  "race-full": ({ entrants, wanted }: { entrants: number; wanted: number }) =>
    `With this budget the first race has ${entrants} configurations; it cannot begin with ${wanted} of yours. Send fewer, or raise budget.trials first.`,
  "too-many-runs": ({ runs, most }: { runs: number; most: number }) =>
    `A configuration would have up to ${runs} runs; at most ${most} are possible. Give fewer instances or seeds.`,
  "budget-below-runs": ({ trials, runs }: { trials: number; runs: number }) =>
    `A configuration has ${runs} runs, each of which is a trial; ${trials} trials are not even one configuration. Raise budget.trials to a multiple of ${runs}, or give fewer runs in evaluation.`,
  "runs-with-scheduler": ({ scheduler }: { scheduler: string }) =>
    `${scheduler} compares single trials, which are runs on different instances here. Leave scheduler out, or evaluation; nested cross-validation scores a configuration in one trial with evaluation.inner.together.`,
  "runs-with-repeats": ({ field }: { field: "failed" | "completed" }) =>
    `evaluation already says how often a configuration is run. Leave repeats.${field} out.`,
  "metric-missing": ({
    metric,
    role,
    told,
  }: {
    metric: string;
    role: "objective" | "outcome";
    told: string;
  }) =>
    `The study needs a value for ${metric}, ${role === "objective" ? "an objective" : "an outcome with a limit"}; told: ${told}.`,
  "gradients-unused": ({ algorithm }: { algorithm: string }) =>
    `The algorithm ${algorithm} makes no use of gradients. Choose gradient, gp or auto, or leave "gradients" out.`,
  "gradients-of-several": ({ objectives }: { objectives: number }) =>
    `Gradients are used where a study has one objective; this one has ${objectives}. Leave "gradients" out.`,
  "gradients-with-runs": () =>
    'Where a configuration has several runs, its gradient is none of a single trial. Leave "gradients" out, or `evaluation`.',
  "gradients-needed": () =>
    'The algorithm gradient goes by told gradients: the objective must say "gradients": true.',
  "gradients-unexpected": () =>
    'This study takes no gradients: its objective does not say "gradients": true. Leave `gradients` out.',
  "gradients-of-other-metric": ({ metric, objective }: { metric: string; objective: string }) =>
    `The study's objective is ${objective}, not ${metric}. Give the derivatives of ${objective}.`,
  "gradient-of-nothing": ({ parameter }: { parameter: string }) =>
    `This trial has no parameter ${parameter}. Give derivatives by the parameters in its \`params\`.`,
  "gradient-of-choice": ({ parameter }: { parameter: string }) =>
    `${parameter} is a choice, by which nothing can be differentiated. Leave it out, or make a float parameter of each choice's weight.`,
  "too-many-queued": ({ queued, most }: { queued: number; most: number }) =>
    `${queued} trials without values; enqueue at most ${most} in one call.`,
  "import-too-large": () => "These trials are too large to import in one call. Send fewer at a time.",
  "executor-too-large": ({ bytes, most }: { bytes: number; most: number }) =>
    `The image's name, the command, the environment and the names of secrets have ${bytes} bytes together; a job takes ${most}. Put the rest into the image.`,
  "no-such-market": ({ market }: { market: string }) =>
    `This deployment has no ${market} machines (context maxOnDemandVcpus). Create the study without \`market\`.`,
  "image-not-allowed": ({ prefixes }: { prefixes: readonly string[] }) =>
    `This deployment runs images whose name begins with ${prefixes.join(" or ")}. Create a study with such an image.`,
};
