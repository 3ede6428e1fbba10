import { runInParts } from "./parts.ts";
import { callRounds, fail, markFailed, same } from "./tasks.ts";

/**
 * The generations of population-based training of a batch study. Input: `{study, generation}`.
 *
 *   OpenWave -> RunWave -> OpenWave ... -> Finished
 *
 * `RunWave` is a Distributed Map over parts of a generation, of which each is an execution of its own. What each run goes on from is decided
 * when all of the generation before have ended, and is in the store. After 500 generations another execution takes over, because
 * each adds up to 25 events to the history of this one.
 */

export interface GenerationsParts {
  /** ARN of the `rounds` Lambda, which opens generations. */
  readonly rounds: string;
  /** URL of the dispatch queue. */
  readonly queue: string;
}

/** @returns the definition in Amazon States Language, as data. */
export const generations = ({ rounds, queue }: GenerationsParts): Record<string, unknown> => ({
  Comment: "The generations of population-based training of a batch study",
  StartAt: "FirstWave",
  States: {
    FirstWave: {
      Type: "Pass",
      Parameters: { ...same(["study", "generation"]), begun: 0 },
      Next: "OpenWave",
    },
    // -> {chunks: [{chunk, of, parallel}], begun, done}
    OpenWave: {
      ...callRounds(rounds, "wave", ["study", "generation", "begun"], "MarkFailed"),
      ResultPath: "$.open",
      Next: "IsThereMore",
    },
    IsThereMore: {
      Type: "Choice",
      Choices: [{ Variable: "$.open.done", BooleanEquals: true, Next: "Finished" }],
      Default: "RunWave",
    },
    RunWave: {
      ...runInParts({ rounds, queue, list: "wave-list", address: ["study", "generation"] }),
      Next: "NextWave",
    },
    NextWave: {
      Type: "Pass",
      Parameters: { ...same(["study", "generation"]), "begun.$": "$.open.begun" },
      Next: "OpenWave",
    },
    Finished: { Type: "Succeed" },
    MarkFailed: markFailed(rounds, ["study", "generation"]),
    Failed: fail("A generation failed; see the study's message."),
  },
});
