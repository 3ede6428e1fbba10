import { callRounds, fail, markFailed, onError, runExecution, same } from "./tasks.ts";

/**
 * Nested cross-validation of a batch study. Input: `{study, generation}`.
 *
 *   PlanFolds -> RunFolds (each an execution of the machine `fold`) -> Finished
 *
 * All outer folds run side by side: a study has no more of them than an inline Map has slots. A fold that is over ends at once.
 */

/** Outer folds that run at once: an inline Map has no more slots. */
export const SIDE_BY_SIDE = 40;

export interface FoldsParts {
  /** ARN of the `rounds` Lambda, which says what folds there are. */
  readonly rounds: string;
  /** ARN of the machine that runs one of them. */
  readonly fold: string;
}

/** @returns the definition in Amazon States Language, as data. */
export const folds = ({ rounds, fold }: FoldsParts): Record<string, unknown> => ({
  Comment: "The outer folds of nested cross-validation of a batch study",
  StartAt: "PlanFolds",
  States: {
    // -> {folds: [{fold, timeoutSeconds}]}
    PlanFolds: {
      ...callRounds(rounds, "folds", ["study", "generation"], "MarkFailed"),
      ResultPath: "$.plan",
      Next: "RunFolds",
    },
    RunFolds: {
      Type: "Map",
      ItemsPath: "$.plan.folds",
      MaxConcurrency: SIDE_BY_SIDE,
      ItemSelector: {
        ...same(["study", "generation"]),
        "fold.$": "$$.Map.Item.Value.fold",
        "timeoutSeconds.$": "$$.Map.Item.Value.timeoutSeconds",
      },
      ItemProcessor: {
        ProcessorConfig: { Mode: "INLINE" },
        StartAt: "RunFold",
        States: {
          RunFold: runFold(fold),
          FoldFailed: fail("An outer fold failed; see the study's message."),
        },
      },
      ResultPath: null,
      Catch: onError("MarkFailed"),
      Next: "Finished",
    },
    Finished: { Type: "Succeed" },
    MarkFailed: markFailed(rounds, ["study", "generation"]),
    Failed: fail("The outer folds failed; see the study's message."),
  },
});

const runFold = (fold: string) => ({
  ...runExecution(
    fold,
    "States.Format('{}-{}-{}', $.study, $.generation, $.fold)",
    same(["study", "generation", "fold"]),
    "$.timeoutSeconds",
  ),
  Catch: onError("FoldFailed"),
  ResultSelector: { ended: true },
  End: true,
});
