/**
 * Synchronous successive halving of one batch study. Input: `{study, generation}`.
 *
 *   OpenRung -> RunRung (each trial through the dispatch queue, with a task token) -> CloseRung -> OpenRung ... -> Finished
 *
 * The state holds only names and numbers. The trials of a rung, their promotions and values are in the store, and every call
 * of `rounds` may be repeated.
 *
 * Limits: an inline Map runs at most 40 trials at once and adds its events to the execution's history of at most 25,000
 * events. With at most 10 events per trial (`EVENTS_PER_TRIAL`), one execution can run `MAX_TRIAL_RUNS` trials, counted once
 * in every rung they reach. The Map's input, `{"trial":123456,"attempt":10}` per trial, stays below 262,144 bytes for up to
 * 8,000 trials per rung. A larger study would need a Distributed Map.
 */

export const MAX_PARALLEL = 40;
const EVENTS_PER_TRIAL = 10;
/** 1,000 events are reserved for the rungs themselves: at most 60 rungs with a dozen events each. */
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
      // In JSONata, because then the emulator also respects the parallelism of the study.
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
      // The results of the trials are in the store.
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
      Retry: [{ ...retryAny, MaxAttempts: 20 }],
      ResultPath: null,
      Next: "Failed",
    },
    Failed: {
      Type: "Fail",
      ErrorPath: "$.failure.Error",
      Cause: "A round failed; see the study's message.",
    },
  },
});

/** Retries any error: the emulator does not keep error names, and each of these calls may be repeated. */
const retryAny = {
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
  Retry: [{ ...retryAny, MaxAttempts: 5 }],
  Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: "MarkFailed" }],
});

/**
 * One trial: it is queued like any other, and the state waits until a tell, or the loss of the attempt, completes the task
 * token. There is no heartbeat: the attempt has a lease, and when it expires the token is completed as well. The timeout,
 * which `rounds` sets later than the last lease, is for a token that was lost.
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
  // Any error except a timeout. If the message was sent twice, the attempt is still dispatched once.
  Retry: [{ ...retryAny, ErrorEquals: ["States.TaskFailed"], MaxAttempts: 5 }],
  Catch: [{ ErrorEquals: ["States.ALL"], Next: "Lost" }],
  ResultSelector: { settled: true },
  End: true,
});
