import type { Execution } from "../ports.ts";
import type { Head } from "../store/head.ts";
import { trialsUsed } from "./state.ts";
import type { LoadedStudy } from "./study.ts";

/** The execution that runs the rounds of a start of the study; null when no state machine runs it, or it never started. */
export const executionOf = ({ id, scheduler }: LoadedStudy, generation: number): Execution | null =>
  scheduler.rounds === null || generation === 0 ? null : { study: id, generation, bracket: null };

/** Brackets that run side by side at most: an inline Map runs as many at once. */
export const MOST_BRACKETS = 40;

/**
 * All executions of a start of the study that may run: those of the last brackets, then the one that started them, so that the
 * others have been stopped once it no longer runs.
 */
export const executionsOf = (study: LoadedStudy, head: Head): Execution[] => {
  const whole = executionOf(study, head.generation);
  const { rounds } = study.scheduler;
  if (whole === null || rounds === null) return [];
  const end = rounds.brackets.count(trialsUsed(head));
  const first = Math.max(0, end - MOST_BRACKETS);
  const brackets = Array.from({ length: end - first }, (_, i) => ({ ...whole, bracket: first + i }));
  return [...brackets, whole];
};
