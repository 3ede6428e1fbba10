import { callRounds, fail, markFailed, onError, runExecution, same } from "./tasks.ts";

/**
 * The brackets of a batch study in rounds: one of `sha`, many of `hyperband`. Input: `{study, generation}`.
 *
 *   PlanBrackets -> RunBrackets (each an execution of the machine `halving`) -> PlanBrackets ... -> Finished
 *
 * `plan` says which brackets run side by side: those that have a slot for each of their trials. After 500 brackets it hands the study
 * over to another execution, because each adds up to 25 events to the history of this one.
 */

/** Brackets that run at once: an inline Map has no more slots. */
export const SIDE_BY_SIDE = 40;

export interface BracketsParts {
  /** ARN of the `rounds` Lambda, which plans the brackets. */
  readonly rounds: string;
  /** ARN of the machine that runs one of them. */
  readonly halving: string;
}

/** @returns the definition in Amazon States Language, as data. */
export const brackets = ({ rounds, halving }: BracketsParts): Record<string, unknown> => ({
  Comment: "The brackets of a batch study in rounds",
  StartAt: "FirstBracket",
  States: {
    FirstBracket: {
      Type: "Pass",
      Parameters: { ...same(["study", "generation"]), bracket: 0, begun: 0 },
      Next: "PlanBrackets",
    },
    // -> {brackets: [{bracket, parallel, timeoutSeconds}], bracket, begun, done}
    PlanBrackets: {
      ...callRounds(rounds, "plan", ["study", "generation", "bracket", "begun"], "MarkFailed"),
      ResultPath: "$.plan",
      Next: "IsThereMore",
    },
    IsThereMore: {
      Type: "Choice",
      Choices: [{ Variable: "$.plan.done", BooleanEquals: true, Next: "Finished" }],
      Default: "RunBrackets",
    },
    RunBrackets: {
      Type: "Map",
      ItemsPath: "$.plan.brackets",
      MaxConcurrency: SIDE_BY_SIDE,
      ItemSelector: {
        ...same(["study", "generation"]),
        "bracket.$": "$$.Map.Item.Value.bracket",
        "parallel.$": "$$.Map.Item.Value.parallel",
        "timeoutSeconds.$": "$$.Map.Item.Value.timeoutSeconds",
      },
      ItemProcessor: {
        ProcessorConfig: { Mode: "INLINE" },
        StartAt: "RunBracket",
        States: {
          RunBracket: runBracket(halving),
          BracketFailed: fail("A bracket failed; see the study's message."),
        },
      },
      ResultPath: null,
      Catch: onError("MarkFailed"),
      Next: "NextBrackets",
    },
    NextBrackets: {
      Type: "Pass",
      Parameters: {
        ...same(["study", "generation"]),
        "bracket.$": "$.plan.bracket",
        "begun.$": "$.plan.begun",
      },
      Next: "PlanBrackets",
    },
    Finished: { Type: "Succeed" },
    MarkFailed: markFailed(rounds, ["study", "generation"]),
    Failed: fail("The brackets failed; see the study's message."),
  },
});

const runBracket = (halving: string) => ({
  ...runExecution(
    halving,
    "States.Format('{}-{}-{}', $.study, $.generation, $.bracket)",
    same(["study", "generation", "bracket", "parallel"]),
    "$.timeoutSeconds",
  ),
  Catch: onError("BracketFailed"),
  ResultSelector: { ended: true },
  End: true,
});
