import type { OpenRun, TrialItem, TrialPatch } from "../store/trial.ts";

/**
 * Jobs that outlive their attempt. A container tells, and sleeps; one that is silent is ended, and takes its time. Until its job has
 * ended, as Batch reports, an attempt is not paid for, and as long as it was told, which ends nothing, it keeps its slot.
 */

/** What of a trial says so. */
export type Left = Pick<TrialPatch, "open">;

/** What the end of the current attempt leaves open; nothing when it has no job that is known. */
export const leftOpen = (
  { attempt, job, open = [] }: TrialItem,
  now: number,
  seconds: number,
  isTold: boolean,
): Left =>
  job?.jobId == null
    ? {}
    : {
        open: [
          ...open,
          {
            attempt,
            jobId: job.jobId,
            at: now,
            seconds,
            ...(isTold && { told: true }),
            ...(job.reserved !== undefined && { reserved: job.reserved }),
          },
        ],
      };

/** Whether a job of the trial still runs, as far as is known, although its attempt has ended. */
export const hasOpenRuns = ({ open = [] }: TrialItem): boolean => open.length > 0;

/** Whether one runs on that nobody has ended: the trial keeps its slot, and its next attempt waits. */
export const isHeldOpen = ({ open = [] }: TrialItem): boolean => open.some(({ told }) => told === true);

/** The run of an attempt that has ended, by its job. */
export const openRunOf = ({ open = [] }: TrialItem, jobId: string): OpenRun | undefined =>
  open.find((run) => run.jobId === jobId);

/**
 * The trial without a run whose job has ended, and the seconds that it took beyond those that were counted at its attempt's end.
 * @param ran that it took, all in all.
 */
export const closed = (
  trial: TrialItem,
  run: OpenRun,
  ran: number,
): { readonly patch: TrialPatch; readonly seconds: number } => {
  const seconds = Math.max(0, ran - run.seconds);
  const open = (trial.open ?? []).filter((each) => each !== run);
  return { patch: { open, ...(seconds > 0 && { seconds: trial.seconds + seconds }) }, seconds };
};
