import { Unavailable, WrongExecutor } from "../../errors.ts";
import type { AskBody, AskReply, LeasedTrial } from "../../schemas/trial.ts";
import { changeHead } from "../../store/head.ts";
import { RECEIPT } from "../../store/receipt.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import { changeTrial, newTrial, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import {
  isExpired,
  isLastAttempt,
  LEASE_RAN_OUT,
  lostAttempt,
  outOfAttempts,
  stillExpired,
} from "../../study/lease.ts";
import { type LoadedStudy, stateOf } from "../../study/study.ts";
import { timestamp } from "../../study/view.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { foldIfDue } from "../core/fold.ts";
import { once } from "../core/once.ts";
import { newTrials, numbersLeft } from "../core/propose.ts";
import { readOpen, type Snapshot } from "../core/snapshot.ts";

/** Trials changed by one ask; with head and receipt they fit DynamoDB's 100 items a transaction. */
const MAX_CHANGES = 90;
/** How long an ask competes with others before it says that Hone is busy. */
const PATIENCE_MS = 8000;
/** A slot may free itself long before its lease is over. */
const LONGEST_WAIT_SECONDS = 5;
const PAUSED_WAIT_SECONDS = 30;

/** What an ask would change, and how it would answer. */
interface Plan {
  readonly changes: readonly Change[];
  readonly reply: AskReply;
}

/**
 * Leases up to `count` trials, in this order: the worker's own open ones, those whose lease ran out, enqueued ones,
 * new ones from the algorithm. Commits only on the head it read, so numbers, budget and parallelism are exact whoever
 * else asks; the loser of a race plans again.
 * @throws WrongExecutor for a batch study, Unavailable when others kept winning.
 */
export const askTrials = (
  deps: ServiceDeps,
  study: LoadedStudy,
  body: AskBody,
  write: WriteContext,
): Promise<AskReply> =>
  once(deps, write, async (acknowledge) => {
    if (study.spec.executor.type !== "client") {
      throw new WrongExecutor("Hone runs this study's trials itself. Start it instead of asking.");
    }
    const begin = deps.clock();
    for (let attempt = 1; deps.clock() - begin < PATIENCE_MS; attempt++) {
      const snapshot = await readOpen(deps, study);
      const { changes, reply } = await planAsk(deps, snapshot, body);
      const all = [...changes, ...acknowledge(reply)];
      if (all.length === 0) return reply;
      try {
        await deps.store.transact(all);
      } catch (error) {
        if (!(error instanceof ConditionFailed) || error.names.has(RECEIPT)) throw error;
        await deps.store.pause(attempt);
        continue;
      }
      await foldIfDue(deps, study, snapshot);
      return reply;
    }
    throw new Unavailable();
  });

const planAsk = async (deps: ServiceDeps, snapshot: Snapshot, body: AskBody): Promise<Plan> => {
  const { study, head } = snapshot;
  const now = deps.clock();
  const count = Math.min(body.count ?? 1, MAX_CHANGES);
  const isOwn = (trial: TrialItem) =>
    body.worker !== undefined && trial.state === "running" && trial.worker === body.worker;
  const own = snapshot.trials.filter(isOwn).slice(0, count);

  const expired = snapshot.trials.filter((trial) => isExpired(trial, now) && !isOwn(trial));
  const dead = expired.filter((trial) => isLastAttempt(study, trial)).slice(0, MAX_CHANGES - count);
  const running = snapshot.trials.filter(
    (trial) => trial.state === "running" && !expired.includes(trial),
  ).length;
  const slots =
    head.state === "running" ? Math.max(0, Math.min(count - own.length, head.parallel - running)) : 0;

  const waiting = [
    ...expired.filter((trial) => !isLastAttempt(study, trial)),
    ...snapshot.trials.filter((trial) => trial.state === "queued"),
  ].slice(0, slots);
  const wanted = slots - waiting.length;
  const fresh = await newTrials(deps, snapshot, wanted);
  const exhausted = head.exhausted || fresh.length < Math.min(wanted, numbersLeft(snapshot));

  const lease = {
    state: "running" as const,
    worker: body.worker ?? null,
    leaseExpires: now + study.spec.lease.seconds * 1000,
  };
  const again = own.map((trial) => ({ trial, patch: { leaseExpires: lease.leaseExpires } }));
  const taken = waiting.map((trial) => ({ trial, patch: nextAttempt(trial, lease, now) }));
  const created = fresh.map((trial): TrialItem => ({ ...trial, ...lease, attempt: 1 }));

  const trialChanges = [
    ...again.map(({ trial, patch }) => changeTrial(trial, patch)),
    ...taken.map(({ trial, patch }) =>
      changeTrial(trial, patch, trial.state === "running" ? stillExpired(now) : undefined),
    ),
    ...dead.map((trial) =>
      changeTrial(trial, outOfAttempts(trial, "expired", LEASE_RAN_OUT, now), stillExpired(now)),
    ),
    ...created.map(newTrial),
  ];
  const isOurs = trialChanges.length > 0 || exhausted !== head.exhausted;
  const next = head.next + created.length;
  const leased = [...again, ...taken].map(({ trial, patch }): TrialItem => ({ ...trial, ...patch }));
  const after = {
    ...snapshot,
    head: { ...head, next, exhausted },
    trials: [...snapshot.trials.filter((trial) => !dead.includes(trial)), ...created],
  };
  const trials = [...leased, ...created].map((trial) => toLease(trial, lease.leaseExpires));
  const state = stateOf(after);
  return {
    changes: isOurs ? [changeHead(head, { next, exhausted }), ...trialChanges] : [],
    reply: { trials, state, retryAfter: trials.length > 0 ? null : retryAfter(state, after, now) },
  };
};

/** The next attempt of a queued trial, or of one whose lease ran out. */
const nextAttempt = (trial: TrialItem, lease: TrialPatch, now: number): TrialPatch => ({
  ...lease,
  attempt: trial.attempt + 1,
  reason: null,
  ...(trial.state === "running" && {
    lost: trial.lost + 1,
    attempts: lostAttempt(trial, "expired", LEASE_RAN_OUT, now),
  }),
});

const toLease = (trial: TrialItem, leaseExpires: number): LeasedTrial => ({
  number: trial.number,
  attempt: trial.attempt,
  params: trial.params,
  resource: trial.resource,
  checkpoint: trial.checkpoint,
  leaseExpires: timestamp(leaseExpires),
  algorithm: trial.algorithm,
  why: trial.why,
});

/** Seconds after which asking again may help: when the next lease runs out, but not too long. */
const retryAfter = (state: AskReply["state"], { trials }: Snapshot, now: number): number | null => {
  if (state === "finished" || state === "deleting") return null;
  if (state === "paused") return PAUSED_WAIT_SECONDS;
  const leases = trials.flatMap((trial) => trial.leaseExpires ?? []);
  const seconds = Math.ceil((Math.min(...leases, now + LONGEST_WAIT_SECONDS * 1000) - now) / 1000);
  return Math.max(1, seconds);
};
