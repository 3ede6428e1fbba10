import type { Head } from "../../store/head.ts";
import type { TrialItem } from "../../store/trial.ts";
import { isExpired, isLastAttempt } from "../../study/lease.ts";
import type { Snapshot } from "../../study/snapshot.ts";

/** What an ask does with the trials that exist. */
export interface Chosen {
  /** The worker's own running trials, which it gets back. */
  readonly own: readonly TrialItem[];
  /** Those that it took of the ones proposed ahead, and could not keep yet. */
  readonly mine: readonly TrialItem[];
  /** Trials that get their next attempt. */
  readonly waiting: readonly TrialItem[];
  /** Trials whose last attempt expired, which fail. */
  readonly dead: readonly TrialItem[];
  /** How many of those proposed ahead it takes. */
  readonly tickets: number;
  /** How many new trials there is room for. */
  readonly wanted: number;
  /** How many more trials may run now. */
  readonly room: number;
}

/** Who asks. */
export interface Asker {
  readonly worker: string | undefined;
  /** The most trials to hand out. */
  readonly count: number;
  /** Numbers that an earlier try of the same ask took of those proposed ahead. */
  readonly held: ReadonlySet<number>;
}

/**
 * Chooses what an ask hands out: the worker's own trials, then those whose lease expired, those that the client enqueued, and
 * those proposed ahead.
 * @param now milliseconds since 1970.
 * @param chance uniform in [0, 1).
 */
export const chooseTrials = (
  { study, head, trials }: Snapshot,
  { worker, count, held }: Asker,
  now: number,
  chance: () => number,
): Chosen => {
  const isOwn = (trial: TrialItem) =>
    worker !== undefined && trial.state === "running" && trial.worker === worker;
  const own = trials.filter(isOwn).slice(0, count);
  const expired = trials.filter((trial) => isExpired(trial, now) && !isOwn(trial));
  const taken = new Set(expired);
  const running = trials.filter((trial) => trial.state === "running" && !taken.has(trial)).length;
  const mine = trials.filter(({ state, number }) => state === "queued" && held.has(number));
  // The leases of those are given already.
  const room = head.state === "running" ? Math.max(0, head.parallel - running - mine.length) : 0;
  const slots = Math.max(0, Math.min(count - own.length - mine.length, room));
  const queued = trials.filter(({ state, number }) => state === "queued" && !held.has(number));
  const ahead = leftAhead(head);
  const waiting = [
    ...fromAnywhere(
      expired.filter((trial) => !isLastAttempt(study, trial)),
      slots,
      chance,
    ),
    ...queued.filter((trial) => !isAhead(trial)),
    ...fromAnywhere(
      queued.filter(
        (trial) => isAhead(trial) && trial.number < head.aheadFrom && trial.created <= now - COMING_MS,
      ),
      slots,
      chance,
    ),
  ].slice(0, slots);
  const tickets = Math.min(ahead, slots - waiting.length);
  return {
    own,
    mine,
    waiting,
    dead: expired.filter((trial) => isLastAttempt(study, trial)),
    tickets,
    wanted: slots - waiting.length - tickets,
    room,
  };
};

/** Whether a trial was proposed for an ask that is still to come. */
/** After this long nobody comes any more for a trial whose number was taken: whoever took it died. */
const COMING_MS = 60_000;

/** How many trials that were proposed ahead are left. */
export const leftAhead = ({ aheadFrom, aheadTo }: Head): number => Math.max(0, aheadTo - aheadFrom);

const isAhead = ({ attempt, algorithm }: TrialItem): boolean => attempt === 0 && algorithm !== "enqueue";

/** Where there are more than an ask takes, each begins somewhere else, so that asks at the same time seldom meet. */
const fromAnywhere = (
  trials: readonly TrialItem[],
  wanted: number,
  chance: () => number,
): readonly TrialItem[] => {
  if (trials.length <= wanted) return trials;
  const start = Math.floor(chance() * trials.length);
  return [...trials.slice(start), ...trials.slice(0, start)];
};
