import { callRounds, fail, markFailed, onError, retryFailed, same } from "./tasks.ts";

/**
 * Synchronous successive halving of one bracket. Input: `{study, generation, bracket, parallel}`.
 *
 *   OpenRung -> RunRung -> CloseRung -> OpenRung ... -> Finished
 *
 * `RunRung` is a Distributed Map over parts of the rung, of which each is an execution of its own, with a history of its own:
 *
 *   ListTrials -> RunTrials (each trial through the dispatch queue, with a task token)
 *
 * The state holds only names and numbers. The trials of a rung, their promotions and values are in the store, and every call
 * of `rounds` may be repeated.
 *
 * Limits: a part runs at most 40 trials at once (`CHUNK_PARALLEL`), because an inline Map has no more slots, and at most 2,000
 * (`CHUNK_TRIALS`), because each adds up to 10 events to a history of at most 25,000. `open` makes as many parts as are needed;
 * what does not fit is run when the rung is opened again. A rung adds about 25 events to the history of its bracket.
 *
 * The Distributed Map is in JSONPath and its concurrency a constant, because the emulator knows no other. So the parallelism of the
 * study is divided among the parts, whose inline Maps respect it.
 */

/** Parts that run at once: those of 10,000 trials, which is the most that a study may run at once. */
export const MOST_CHUNKS = 250;
/** The name of the executions of parts, below that of the machine. */
export const LABEL = "Parts";

export interface HalvingParts {
  /** ARN of the `rounds` Lambda, which opens and closes rungs. */
  readonly rounds: string;
  /** URL of the dispatch queue. */
  readonly queue: string;
}

const ADDRESS = ["study", "generation", "bracket", "rung"];

/** @returns the definition in Amazon States Language, as data. */
export const halving = ({ rounds, queue }: HalvingParts): Record<string, unknown> => ({
  Comment: "Synchronous successive halving of one bracket of a batch study",
  StartAt: "FirstRung",
  States: {
    FirstRung: {
      Type: "Pass",
      Parameters: { ...same(["study", "generation", "bracket", "parallel"]), rung: 0 },
      Next: "OpenRung",
    },
    // -> {rung, chunks: [{chunk, of, parallel}], done}
    OpenRung: {
      ...callRounds(rounds, "open", [...ADDRESS, "parallel"], "MarkFailed"),
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
      ItemsPath: "$.open.chunks",
      MaxConcurrency: MOST_CHUNKS,
      Label: LABEL,
      ItemSelector: {
        ...same(ADDRESS),
        "chunk.$": "$$.Map.Item.Value.chunk",
        "of.$": "$$.Map.Item.Value.of",
        "parallel.$": "$$.Map.Item.Value.parallel",
      },
      ItemProcessor: {
        ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" },
        StartAt: "ListTrials",
        States: part({ rounds, queue }),
      },
      // The results of the trials are in the store.
      ResultPath: null,
      Catch: onError("MarkFailed"),
      Next: "CloseRung",
    },
    // -> {rung: the next one, done}
    CloseRung: {
      ...callRounds(rounds, "close", ADDRESS, "MarkFailed"),
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
      Parameters: { ...same(["study", "generation", "bracket", "parallel"]), "rung.$": "$.close.rung" },
      Next: "OpenRung",
    },
    Finished: { Type: "Succeed" },
    MarkFailed: markFailed(rounds, ["study", "generation", "rung"]),
    Failed: fail("A round failed; see the study's message."),
  },
});

/** The trials of one part of a rung. */
const part = ({ rounds, queue }: HalvingParts) => ({
  // -> {trials: [{trial, attempt}], timeoutSeconds}
  ListTrials: {
    ...callRounds(rounds, "list", [...ADDRESS, "chunk", "of"], "PartFailed"),
    ResultPath: "$.list",
    Next: "RunTrials",
  },
  RunTrials: {
    Type: "Map",
    // In JSONata, because then the emulator also respects the parallelism.
    QueryLanguage: "JSONata",
    Items: "{% $states.input.list.trials %}",
    MaxConcurrency: "{% $states.input.parallel %}",
    ItemSelector: {
      study: "{% $states.input.study %}",
      trial: "{% $states.context.Map.Item.Value.trial %}",
      attempt: "{% $states.context.Map.Item.Value.attempt %}",
      timeoutSeconds: "{% $states.input.list.timeoutSeconds %}",
    },
    ItemProcessor: {
      ProcessorConfig: { Mode: "INLINE" },
      StartAt: "RunTrial",
      States: {
        RunTrial: runTrial(queue),
        Lost: { Type: "Pass", QueryLanguage: "JSONPath", Result: { lost: true }, End: true },
      },
    },
    Output: {},
    End: true,
  },
  PartFailed: fail("The trials of a part could not be listed."),
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
      ...same(["study", "trial", "attempt"]),
      "taskToken.$": "$$.Task.Token",
    },
  },
  TimeoutSecondsPath: "$.timeoutSeconds",
  // If the message was sent twice, the attempt is still dispatched once.
  Retry: [{ ...retryFailed, MaxAttempts: 5 }],
  Catch: [{ ErrorEquals: ["States.ALL"], Next: "Lost" }],
  ResultSelector: { settled: true },
  End: true,
});
