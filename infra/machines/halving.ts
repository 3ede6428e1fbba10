/**
 * Synchronous successive halving of one batch study. Input: `{study, generation}`.
 *
 *   OpenRung -> RunRung (each trial through the dispatch queue, with a task token) -> CloseRung -> OpenRung ... -> Finished
 *
 * The state carries names and numbers only; what a rung consists of, who is promoted and what was measured lie in the
 * store, and every call of `rounds` may be repeated.
 *
 * Bounds. An inline Map runs at most 40 trials at once and adds its events to the execution's own history of 25,000:
 * at most 10 a trial (`EVENTS_PER_TRIAL`), so that one execution holds `MAX_TRIAL_RUNS` trials, counted once in every
 * rung they reach. Its input, `{"trial":123456,"attempt":10}` each, stays below 262,144 bytes up to 8,000 trials a rung.
 * A study beyond that needs a Distributed Map.
 */

export const MAX_PARALLEL = 40;
const EVENTS_PER_TRIAL = 10;
/** 1,000 events are left to the rungs themselves: 60 at most with a dozen each. */
export const MAX_TRIAL_RUNS = (25_000 - 1_000) / EVENTS_PER_TRIAL;

export interface HalvingParts {
  /** ARN of the `rounds` Lambda, which opens and closes rungs. */
  readonly rounds: string;
  /** URL of the dispatch queue. */
  readonly queue: string;
}

/** @returns the definition in Amazon States Language, as data. */
export const halving = ({ rounds, queue }: HalvingParts): Record<string, unknown> => ({
  Comment: "Synchronous successive halving of a batch study",
  StartAt: "FirstRung",
  States: {
    FirstRung: {
      Type: "Pass",
      Parameters: { "study.$": "$.study", "generation.$": "$.generation", rung: 0 },
      Next: "OpenRung",
    },
    // -> {rung, trials: [{trial, attempt}], parallel, timeoutSeconds, done}
    OpenRung: {
      ...callRounds(rounds, "open"),
      ResultPath: "$.open",
      Next: "IsThereMore",
    },
    IsThereMore: {
      Type: "Choice",
      Choices: [{ Variable: "$.open.done", BooleanEquals: true, Next: "Finished" }],
      Default: "RunRung",
    },
    RunRung: {
      Type: "Map",
      // In JSONata because the emulator, too, then keeps to the study's own parallelism.
      QueryLanguage: "JSONata",
      Items: "{% $states.input.open.trials %}",
      MaxConcurrency: `{% $min([$states.input.open.parallel, ${MAX_PARALLEL}]) %}`,
      ItemSelector: {
        study: "{% $states.input.study %}",
        trial: "{% $states.context.Map.Item.Value.trial %}",
        attempt: "{% $states.context.Map.Item.Value.attempt %}",
        timeoutSeconds: "{% $states.input.open.timeoutSeconds %}",
      },
      ItemProcessor: {
        ProcessorConfig: { Mode: "INLINE" },
        StartAt: "RunTrial",
        States: {
          RunTrial: runTrial(queue),
          Lost: { Type: "Pass", QueryLanguage: "JSONPath", Result: { lost: true }, End: true },
        },
      },
      // What became of each trial is in the store.
      Output: {
        study: "{% $states.input.study %}",
        generation: "{% $states.input.generation %}",
        rung: "{% $states.input.open.rung %}",
      },
      Catch: [{ ErrorEquals: ["States.ALL"], Output: failureInJsonata, Next: "MarkFailed" }],
      Next: "CloseRung",
    },
    // -> {rung: the next one, done}
    CloseRung: {
      ...callRounds(rounds, "close"),
      ResultPath: "$.close",
      Next: "WasItTheLast",
    },
    WasItTheLast: {
      Type: "Choice",
      Choices: [{ Variable: "$.close.done", BooleanEquals: true, Next: "Finished" }],
      Default: "NextRung",
    },
    NextRung: {
      Type: "Pass",
      Parameters: { "study.$": "$.study", "generation.$": "$.generation", "rung.$": "$.close.rung" },
      Next: "OpenRung",
    },
    Finished: { Type: "Succeed" },
    MarkFailed: {
      Type: "Task",
      Resource: rounds,
      Parameters: {
        action: "fail",
        "study.$": "$.study",
        "generation.$": "$.generation",
        "rung.$": "$.rung",
        "reason.$": "$.failure.Error",
      },
      TimeoutSeconds: 60,
      Retry: [{ ...patient, MaxAttempts: 20 }],
      ResultPath: null,
      Next: "Failed",
    },
    Failed: {
      Type: "Fail",
      ErrorPath: "$.failure.Error",
      Cause: "A round could not be run; see the study's message.",
    },
  },
});

/** Errors are not told apart: the emulator loses their names, and each of these calls may be made again. */
const patient = {
  ErrorEquals: ["States.ALL"],
  IntervalSeconds: 2,
  BackoffRate: 2,
  MaxDelaySeconds: 60,
  JitterStrategy: "FULL",
};

const failureInJsonata = {
  study: "{% $states.input.study %}",
  generation: "{% $states.input.generation %}",
  rung: "{% $states.input.rung %}",
  failure: { Error: "{% $states.errorOutput.Error %}" },
};

const callRounds = (rounds: string, action: "open" | "close") => ({
  Type: "Task",
  Resource: rounds,
  Parameters: { action, "study.$": "$.study", "generation.$": "$.generation", "rung.$": "$.rung" },
  TimeoutSeconds: 60,
  Retry: [{ ...patient, MaxAttempts: 5 }],
  Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: "MarkFailed" }],
});

/**
 * One trial: queued like any other, then waited for until its tell, or its loss, answers the token. There is no
 * heartbeat here: the attempt's lease is one, and what expires it answers the token, too. The timeout, which `rounds`
 * sets beyond the last lease, is for a token that was lost.
 */
const runTrial = (queue: string) => ({
  Type: "Task",
  QueryLanguage: "JSONPath",
  Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
  Parameters: {
    QueueUrl: queue,
    "MessageGroupId.$": "$.study",
    MessageBody: {
      version: 1,
      "study.$": "$.study",
      "trial.$": "$.trial",
      "attempt.$": "$.attempt",
      "taskToken.$": "$$.Task.Token",
    },
  },
  TimeoutSecondsPath: "$.timeoutSeconds",
  // Any error but a timeout; a message that was sent after all names an attempt that is dispatched once.
  Retry: [{ ...patient, ErrorEquals: ["States.TaskFailed"], MaxAttempts: 5 }],
  Catch: [{ ErrorEquals: ["States.ALL"], Next: "Lost" }],
  ResultSelector: { settled: true },
  End: true,
});
