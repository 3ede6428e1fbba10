import type { Execution, MachineName } from "../ports.ts";
import type { Head } from "../store/head.ts";
import type { TrialItem } from "../store/trial.ts";
import { foldsOf } from "./parts.ts";
import { trialsUsed } from "./state.ts";
import type { LoadedStudy } from "./study.ts";

/** The state machine that runs a study; null of one that events carry. */
export const machineOf = ({ spec, scheduler }: LoadedStudy): MachineName | null => {
  if (spec.nested !== undefined) return "folds";
  if (scheduler.inGenerations === true) return "generations";
  return scheduler.rounds === null ? null : "brackets";
};

/** The execution that runs a start of the study; null when no state machine runs it, or it never started. */
export const executionOf = (study: LoadedStudy, generation: number): Execution | null => {
  const machine = machineOf(study);
  return machine === null || generation === 0 ? null : { machine, study: study.id, generation, index: null };
};

/** Brackets that run side by side at most: an inline Map runs as many at once. */
export const MOST_BRACKETS = 40;

/** A study or a part of one, and its head. */
export interface Headed {
  readonly study: LoadedStudy;
  readonly head: Head;
}

/**
 * All executions of a start of the study that may run: those of the last brackets or of the folds, then the one that started them, so
 * that the others have been stopped once it no longer runs.
 * @param parts of nested cross-validation, of which each may run brackets of its own.
 */
export const executionsOf = ({ study, head }: Headed, parts: readonly Headed[]): Execution[] => {
  const whole = executionOf(study, head.generation);
  if (whole === null) return [];
  const { nested } = study.spec;
  if (nested === undefined) return [...bracketsOf(study, head), whole];
  const folds = Array.from(
    { length: foldsOf(nested) },
    (_, index): Execution => ({ ...whole, machine: "fold", index }),
  );
  return [...parts.flatMap((part) => executionsOf(part, [])), ...folds, whole];
};

const bracketsOf = ({ id, scheduler: { rounds } }: LoadedStudy, head: Head): Execution[] => {
  if (rounds === null) return [];
  const end = rounds.brackets.count(trialsUsed(head));
  const first = Math.max(0, end - MOST_BRACKETS);
  const { generation } = head;
  return Array.from({ length: end - first }, (_, i) => ({
    machine: "halving" as const,
    study: id,
    generation,
    index: first + i,
  }));
};

/**
 * The trials that an execution runs, at most `most`. Those that run already, left to drain by a stop, come first, because they count
 * among those that run at once; the others keep their order.
 */
export const firstToRun = (trials: readonly TrialItem[], most: number): TrialItem[] => {
  const isRunning = ({ state }: TrialItem) => Number(state === "running");
  return trials.toSorted((a, b) => isRunning(b) - isRunning(a)).slice(0, most);
};
