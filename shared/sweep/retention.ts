/** What is known of a firing's study. */
export interface FiredStudy {
  readonly study: string;
  readonly isFinished: boolean;
  /** Trials that completed. */
  readonly completed: number;
}

/**
 * The studies that a sweep no longer keeps: the finished ones that have `keep` newer ones beside them. One that still runs is
 * kept, and counts.
 * @param newestFirst of the firings whose study still exists.
 */
export const tooOld = (newestFirst: readonly FiredStudy[], keep: number): string[] =>
  newestFirst
    .slice(keep)
    .filter(({ isFinished }) => isFinished)
    .map(({ study }) => study);

/** The studies that a new one begins with: those of the last firings that finished with a result. */
export const startsFrom = (newestFirst: readonly FiredStudy[], last: number): string[] =>
  newestFirst
    .filter(({ isFinished, completed }) => isFinished && completed > 0)
    .slice(0, last)
    .map(({ study }) => study);
