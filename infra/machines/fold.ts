import { callRounds, fail, markFailed, onError, retryFailed, runExecution } from "./tasks.ts";

/**
 * One outer fold of nested cross-validation. Input: `{study, generation, fold}`.
 *
 *   OpenFold -> RunBrackets (an execution of the machine `brackets`), or AwaitTrials -> OpenFold ... -> Finished
 *
 * The search comes first: in rounds, if its scheduler has them; otherwise each trial that ends makes room for the next one, and this machine
 * waits, with a task token that goes through the dispatch queue, until all have ended. Then it waits likewise for the refit of the
 * winner. `fold` says from the store what comes next, so that a new execution goes on where another one ended.
 */
export interface FoldParts {
  /** ARN of the `rounds` Lambda, which says what the fold needs. */
  readonly rounds: string;
  /** ARN of the machine that runs the brackets of a search. */
  readonly brackets: string;
  /** URL of the dispatch queue. */
  readonly queue: string;
}

const ADDRESS = ["study", "generation", "fold"];

/** @returns the definition in Amazon States Language, as data. */
export const fold = ({ rounds, brackets, queue }: FoldParts): Record<string, unknown> => ({
  Comment: "One outer fold of nested cross-validation of a batch study",
  StartAt: "OpenFold",
  States: {
    // -> {next, part, generation, timeoutSeconds}
    OpenFold: {
      ...callRounds(rounds, "fold", ADDRESS, "MarkFailed"),
      ResultPath: "$.open",
      Next: "WhatIsNext",
    },
    WhatIsNext: {
      Type: "Choice",
      Choices: [
        { Variable: "$.open.next", StringEquals: "rounds", Next: "RunBrackets" },
        { Variable: "$.open.next", StringEquals: "wait", Next: "AwaitTrials" },
      ],
      Default: "Finished",
    },
    RunBrackets: runBrackets(brackets),
    AwaitTrials: awaitTrials(queue),
    Finished: { Type: "Succeed" },
    MarkFailed: markFailed(rounds, ["study", "generation"]),
    Failed: fail("An outer fold failed; see the study's message."),
  },
});

/** The search in rounds, as a start of its own, which `fold` has counted. */
const runBrackets = (brackets: string) => ({
  ...runExecution(
    brackets,
    "States.Format('{}-{}', $.open.part, $.open.generation)",
    { "study.$": "$.open.part", "generation.$": "$.open.generation" },
    "$.open.timeoutSeconds",
  ),
  Catch: onError("MarkFailed"),
  ResultPath: null,
  Next: "OpenFold",
});

/** Waits until a part is over. Should the token be lost, the time-out leads to another look and another token. */
const awaitTrials = (queue: string) => ({
  Type: "Task",
  Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
  Parameters: {
    QueueUrl: queue,
    "MessageGroupId.$": "$.study",
    MessageBody: { version: 1, "study.$": "$.open.part", "taskToken.$": "$$.Task.Token" },
  },
  TimeoutSecondsPath: "$.open.timeoutSeconds",
  Retry: [{ ...retryFailed, MaxAttempts: 5 }],
  Catch: [
    { ErrorEquals: ["States.Timeout"], ResultPath: "$.failure", Next: "OpenFold" },
    ...onError("MarkFailed"),
  ],
  ResultPath: null,
  Next: "OpenFold",
});
