import { AlreadyTold, StaleAttempt, StudyNotFound, TrialNotFound } from "../../errors.ts";
import { holderOf } from "../../study/nested.ts";
import type { LoadedStudy } from "../../study/study.ts";

/**
 * Does something with a trial where it is: in the study itself or, in nested cross-validation, in one of its parts.
 * @param run gets the study that holds the trial, and the trial's number there.
 * @returns the answer with the number that the caller knows.
 * @throws what `run` throws, in the caller's words.
 */
export const inPart = async <T extends object>(
  study: LoadedStudy,
  number: number,
  run: (study: LoadedStudy, number: number) => Promise<T>,
): Promise<T> => {
  if (study.spec.nested === undefined) return run(study, number);
  const { holder, own } = holderOf(study, number);
  try {
    const answer = await run(holder, own);
    return "number" in answer ? { ...answer, number } : answer;
  } catch (error) {
    throw asOfWhole(error, study, number);
  }
};

/** An error of a part as the study's callers know it: they know no parts. */
const asOfWhole = (error: unknown, study: LoadedStudy, number: number): unknown => {
  if (error instanceof StudyNotFound) return new StudyNotFound(study.id);
  if (error instanceof TrialNotFound) return new TrialNotFound(number);
  if (error instanceof AlreadyTold) return new AlreadyTold(number, error.facts.state);
  if (error instanceof StaleAttempt) return new StaleAttempt(number, error.facts.given, error.facts.current);
  return error;
};
