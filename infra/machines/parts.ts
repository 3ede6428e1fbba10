import { callRounds, fail, onError, retryFailed, same } from "./tasks.ts";

/** Parts that run at once: those of 10,000 trials, which is the most that a study may run at once. */
export const MOST_CHUNKS = 250;
/** The name of the executions of parts, below that of the machine. */
export const LABEL = "Parts";

export interface InParts {
  /** ARN of the `rounds` Lambda, which lists the trials of a part. */
  readonly rounds: string;
  /** URL of the dispatch queue. */
  readonly queue: string;
  /** What of `rounds` lists them, and which fields of the state it needs besides `chunk` and `of`. */
  readonly list: string;
  readonly address: readonly string[];
}

/**
 * A Distributed Map over the parts in `$.open.chunks`, each an execution of its own:
 *
 *   ListTrials -> RunTrials (each trial through the dispatch queue, with a task token)
 */
export const runInParts = ({ rounds, queue, list, address }: InParts) => ({
  Type: "Map",
  ItemsPath: "$.open.chunks",
  MaxConcurrency: MOST_CHUNKS,
  Label: LABEL,
  ItemSelector: {
    ...same(address),
    "chunk.$": "$$.Map.Item.Value.chunk",
    "of.$": "$$.Map.Item.Value.of",
    "parallel.$": "$$.Map.Item.Value.parallel",
  },
  ItemProcessor: {
    ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" },
    StartAt: "ListTrials",
    States: {
      // -> {trials: [{trial, attempt}], timeoutSeconds}
      ListTrials: {
        ...callRounds(rounds, list, [...address, "chunk", "of"], "PartFailed"),
        ResultPath: "$.list",
        Next: "RunTrials",
      },
      RunTrials: runTrials(queue),
      PartFailed: fail("The trials of a part could not be listed."),
    },
  },
  // The results of the trials are in the store.
  ResultPath: null,
  Catch: onError("MarkFailed"),
});

/** The trials that were listed, side by side. */
const runTrials = (queue: string) => ({
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
