import type { Head } from "../../store/head.ts";
import type { TrialItem } from "../../store/trial.ts";
import { isExpired, isLastAttempt } from "../../study/lease.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { ENQUEUED } from "../core/propose.ts";

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
  const queued = trials.filter(({ state }) => state === "queued");
  const mine = queued.filter(({ number }) => held.has(number));
  const others = queued.filter(({ number }) => !held.has(number));
  const coming = others.filter((trial) => isTaken(head, trial) && !isAbandoned(head, trial, now));
  // The leases of these are given already, although they do not run yet.
  const busy = running + mine.length + coming.length;
  const room = head.state === "running" ? Math.max(0, head.parallel - busy) : 0;
  const slots = Math.max(0, Math.min(count - own.length - mine.length, room));
  const waiting = [
    ...fromAnywhere(
      expired.filter((trial) => !isLastAttempt(study, trial)),
      slots,
      chance,
    ),
    ...others.filter((trial) => !isAhead(trial)),
    ...fromAnywhere(
      others.filter((trial) => isTaken(head, trial) && isAbandoned(head, trial, now)),
      slots,
      chance,
    ),
  ].slice(0, slots);
  const tickets = Math.min(leftAhead(head), slots - waiting.length);
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

/** How many trials that were proposed ahead are left. */
export const leftAhead = ({ aheadFrom, aheadTo }: Head): number => Math.max(0, aheadTo - aheadFrom);

/** Whether a trial was proposed for an ask that is still to come. */
const isAhead = ({ attempt, algorithm }: TrialItem): boolean => attempt === 0 && algorithm !== ENQUEUED;

/** Whether an ask has taken the number of a trial that still waits: it is about to lease it, or died. */
const isTaken = (head: Head, trial: TrialItem): boolean => isAhead(trial) && trial.number < head.aheadFrom;

/** No request lives longer (infra/core-stack.ts): whoever took a number by then and has not come died. */
const COMING_MS = 60_000;

const isAbandoned = ({ aheadMark, aheadMarkAt }: Head, { number }: TrialItem, now: number): boolean =>
  number < aheadMark && aheadMarkAt + COMING_MS <= now;

/** Whether there are taken trials of which it must be noted that they are, so that it shows when they are abandoned. */
export const isMarkDue = ({ head, trials }: Snapshot, now: number): boolean => {
  if (head.aheadMark >= head.aheadFrom || head.aheadMarkAt + COMING_MS > now) return false;
  const taken = trials.filter((trial) => trial.state === "queued" && isTaken(head, trial));
  // Those that are abandoned by the present note are handed out first.
  return taken.length > 0 && !taken.some((trial) => isAbandoned(head, trial, now));
};

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
