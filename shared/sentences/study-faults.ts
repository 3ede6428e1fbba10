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
  "too-many-comparisons": ({ most }: { most: number }) =>
    `A trial would be compared more than ${most} times. Raise scheduler.every.`,
  "one-objective-only": ({ scheduler, objectives }: { scheduler: string; objectives: number }) =>
    `${scheduler} models the learning curve of one objective; this study has ${objectives}. Choose another scheduler.`,
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
  "too-many-queued": ({ queued, most }: { queued: number; most: number }) =>
    `${queued} trials without values; enqueue at most ${most} in one call.`,
  "import-too-large": () => "These trials are too large to import in one call. Send fewer at a time.",
  "executor-too-large": ({ bytes, most }: { bytes: number; most: number }) =>
    `The image's name, the command and the environment have ${bytes} bytes together; a job takes ${most}. Put the rest into the image.`,
  "image-not-allowed": ({ prefixes }: { prefixes: readonly string[] }) =>
    `This deployment runs images whose name begins with ${prefixes.join(" or ")}. Create a study with such an image.`,
};
