import type { Execution } from "../ports.ts";
import type { LoadedStudy } from "./study.ts";

/** The execution that runs the rounds of a start of the study; null when no state machine runs it, or it never started. */
export const executionOf = ({ id, scheduler }: LoadedStudy, generation: number): Execution | null =>
  scheduler.rounds === null || generation === 0
    ? null
    : { machine: scheduler.rounds.machine, study: id, generation };
