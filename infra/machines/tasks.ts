/** States that the machines have in common, in Amazon States Language, as data. */

/** Retries any error: the emulator does not keep error names, and each of these calls may be repeated. */
export const retryAny = {
  ErrorEquals: ["States.ALL"],
  IntervalSeconds: 2,
  BackoffRate: 2,
  MaxDelaySeconds: 60,
  JitterStrategy: "FULL",
};

/** Retries any error except a time-out. */
export const retryFailed = { ...retryAny, ErrorEquals: ["States.TaskFailed"] };

/** Where an error leads, with what it is. */
export const onError = (next: string) => [
  { ErrorEquals: ["States.ALL"], ResultPath: "$.failure", Next: next },
];

/** The fields of the state that go on under the same name. */
export const same = (fields: readonly string[]): Record<string, string> =>
  Object.fromEntries(fields.map((field) => [`${field}.$`, `$.${field}`]));

/**
 * A step of the `rounds` Lambda.
 * @param fields of the state that it gets.
 * @param failed the state that an error leads to.
 */
export const callRounds = (rounds: string, action: string, fields: readonly string[], failed: string) => ({
  Type: "Task",
  Resource: rounds,
  Parameters: { action, ...same(fields) },
  TimeoutSeconds: 60,
  Retry: [{ ...retryAny, MaxAttempts: 5 }],
  Catch: onError(failed),
});

/**
 * Starts an execution of another machine and follows it to its end. Its name says what it runs, so that a study that is stopped can stop it;
 * one that ended early is not started again under the same name.
 * @param name how it is made of the state, as an intrinsic function.
 * @param timeout where the state has the seconds to wait.
 */
export const runExecution = (
  machine: string,
  name: string,
  input: Readonly<Record<string, string>>,
  timeout: string,
) => ({
  Type: "Task",
  Resource: "arn:aws:states:::states:startExecution.sync:2",
  Parameters: {
    StateMachineArn: machine,
    "Name.$": name,
    Input: {
      ...input,
      // Step Functions links the two executions.
      "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
    },
  },
  TimeoutSecondsPath: timeout,
  Retry: [{ ...retryFailed, MaxAttempts: 3 }],
});

/**
 * Tells `rounds` that the machine gave up: the study is stopped, and its message says why.
 * @param fields that say where.
 */
export const markFailed = (rounds: string, fields: readonly string[]) => ({
  Type: "Task",
  Resource: rounds,
  Parameters: { action: "fail", ...same(fields), "reason.$": "$.failure.Error" },
  TimeoutSeconds: 60,
  Retry: [{ ...retryAny, MaxAttempts: 20 }],
  Catch: onError("Failed"),
  ResultPath: null,
  Next: "Failed",
});

export const fail = (cause: string) => ({ Type: "Fail", ErrorPath: "$.failure.Error", Cause: cause });
