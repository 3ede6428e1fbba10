import { runInParts } from "./parts.ts";
import { callRounds, fail, markFailed, same } from "./tasks.ts";

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
    RunRung: { ...runInParts({ rounds, queue, list: "list", address: ADDRESS }), Next: "CloseRung" },
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
