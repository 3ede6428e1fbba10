import type { TrialItem } from "../../store/trial.ts";
import { isExpired, isLastAttempt } from "../../study/lease.ts";
import type { Snapshot } from "../../study/snapshot.ts";

/** What an ask does with the trials that exist. */
export interface Chosen {
  /** The worker's own running trials, which it gets back. */
  readonly own: readonly TrialItem[];
  /** Trials that get their next attempt. */
  readonly waiting: readonly TrialItem[];
  /** Trials whose last attempt expired, which fail. */
  readonly dead: readonly TrialItem[];
  /** How many new trials there is room for. */
  readonly wanted: number;
  /** How many more trials may run now. */
  readonly room: number;
}

/**
 * Chooses what an ask hands out: the worker's own trials, then those whose lease expired, those that the client enqueued, and
 * those proposed ahead.
 * @param count the most trials to hand out.
 * @param now milliseconds since 1970.
 * @param chance uniform in [0, 1).
 */
export const chooseTrials = (
  { study, head, trials }: Snapshot,
  worker: string | undefined,
  count: number,
  now: number,
  chance: () => number,
): Chosen => {
  const isOwn = (trial: TrialItem) =>
    worker !== undefined && trial.state === "running" && trial.worker === worker;
  const own = trials.filter(isOwn).slice(0, count);
  const expired = trials.filter((trial) => isExpired(trial, now) && !isOwn(trial));
  const taken = new Set(expired);
  const running = trials.filter((trial) => trial.state === "running" && !taken.has(trial)).length;
  const room = head.state === "running" ? Math.max(0, head.parallel - running) : 0;
  const slots = Math.min(count - own.length, room);
  const queued = trials.filter((trial) => trial.state === "queued");
  const waiting = [
    ...fromAnywhere(
      expired.filter((trial) => !isLastAttempt(study, trial)),
      slots,
      chance,
    ),
    ...queued.filter(isEnqueued),
    ...fromAnywhere(
      queued.filter((trial) => !isEnqueued(trial)),
      slots,
      chance,
    ),
  ].slice(0, slots);
  return {
    own,
    waiting,
    dead: expired.filter((trial) => isLastAttempt(study, trial)),
    wanted: slots - waiting.length,
    room,
  };
};

const isEnqueued = ({ algorithm }: TrialItem): boolean => algorithm === "enqueue";

/** Where there are more than one ask takes, each begins somewhere else, so that asks at the same time seldom meet. */
const fromAnywhere = (
  trials: readonly TrialItem[],
  wanted: number,
  chance: () => number,
): readonly TrialItem[] => {
  if (trials.length <= wanted) return trials;
  const start = Math.floor(chance() * trials.length);
  return [...trials.slice(start), ...trials.slice(0, start)];
};
