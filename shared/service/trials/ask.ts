import type { AskBody, AskReply, LeasedTrial } from "../../schemas/trial.ts";
import { changeHead } from "../../store/head.ts";
import { changeTrial, leaseExpired, newTrial, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import {
  isExpired,
  isLastAttempt,
  LEASE_EXPIRED,
  leaseEnd,
  lostAttempt,
  outOfAttempts,
} from "../../study/lease.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { stateOf } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { timestamp } from "../../study/view.ts";
import { commit, MAX_TRIAL_CHANGES, type Plan } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { foldIfDue } from "../core/fold.ts";
import { relistIfDue } from "../core/listing.ts";
import { proposeTrials } from "../core/propose.ts";
import { readSnapshot, wrongExecutor } from "../core/snapshot.ts";

/** How long an ask competes with others before it says that Hone is busy. */
const COMPETE_MS = 8000;
/** A slot may become free long before its lease expires. */
const LONGEST_WAIT_SECONDS = 5;
const PAUSED_WAIT_SECONDS = 30;

/**
 * Leases up to `count` trials, in this order: the worker's own running ones, those whose lease expired, enqueued ones,
 * new ones from the algorithm. Commits only on the head it read, so numbers, budget and parallelism are exact however
 * many others ask; the loser of a race plans again.
 * @throws WrongExecutor for a batch study, Unavailable when others kept winning.
 */
export const askTrials = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  body: AskBody,
  write: WriteContext,
): Promise<AskReply> => {
  if (study.spec.executor.type !== "client") throw await wrongExecutor(deps, study, { kind: "ask-of-batch" });
  let seen: Snapshot | null = null;
  const plan = async () => {
    seen = await readSnapshot(deps, study);
    return planAsk(deps, seen, body);
  };
  const reply = await commit(deps, write, plan, { milliseconds: COMPETE_MS });
  if (seen !== null) await foldIfDue(deps, study, seen);
  await relistIfDue(deps, study, reply.state);
  return reply;
};

const planAsk = async (deps: ServiceDeps, snapshot: Snapshot, body: AskBody): Promise<Plan<AskReply>> => {
  const { study, head } = snapshot;
  const now = deps.clock();
  const { own, waiting, dead, wanted } = chooseTrials(snapshot, body, now);
  const fresh = await proposeTrials(deps, snapshot, wanted);

  const lease = {
    state: "running" as const,
    worker: body.worker ?? null,
    leaseExpires: leaseEnd(study, now),
  };
  const again = own.map((trial) => ({ trial, patch: { leaseExpires: lease.leaseExpires } }));
  const taken = waiting.map((trial) => ({ trial, patch: nextAttempt(trial, lease, now) }));
  const created = fresh.trials.map((trial): TrialItem => ({ ...trial, ...lease, attempt: 1 }));
  const trialChanges = [
    ...again.map(({ trial, patch }) => changeTrial(trial, patch)),
    ...taken.map(({ trial, patch }) =>
      changeTrial(trial, patch, trial.state === "running" ? leaseExpired(now) : undefined),
    ),
    ...dead.map((trial) =>
      changeTrial(trial, outOfAttempts(trial, "expired", LEASE_EXPIRED, now), leaseExpired(now)),
    ),
    ...created.map(newTrial),
  ];

  const headPatch = { next: head.next + created.length, exhausted: fresh.exhausted };
  const hasChanges = trialChanges.length > 0 || fresh.exhausted !== head.exhausted;
  const after = {
    head: { ...head, ...headPatch },
    trials: [...snapshot.trials.filter((trial) => !dead.includes(trial)), ...created],
  };
  const leased = [...again, ...taken].map(({ trial, patch }): TrialItem => ({ ...trial, ...patch }));
  const trials = [...leased, ...created].map((trial) => toLease(trial, lease.leaseExpires));
  const state = stateOf(after);
  return {
    changes: hasChanges ? [changeHead(head, headPatch), ...trialChanges] : [],
    answer: { trials, state, retryAfter: trials.length > 0 ? null : retryAfter(state, after.trials, now) },
  };
};

/** What an ask does with the trials that exist. */
interface Chosen {
  /** The worker's own running trials, which it gets back. */
  readonly own: readonly TrialItem[];
  /** Trials that get their next attempt. */
  readonly waiting: readonly TrialItem[];
  /** Trials whose last attempt expired, which fail. */
  readonly dead: readonly TrialItem[];
  /** How many new trials there is room for. */
  readonly wanted: number;
}

const chooseTrials = ({ study, head, trials }: Snapshot, body: AskBody, now: number): Chosen => {
  const count = Math.min(body.count ?? 1, MAX_TRIAL_CHANGES);
  const isOwn = (trial: TrialItem) =>
    body.worker !== undefined && trial.state === "running" && trial.worker === body.worker;
  const own = trials.filter(isOwn).slice(0, count);
  const expired = trials.filter((trial) => isExpired(trial, now) && !isOwn(trial));
  const running = trials.filter((trial) => trial.state === "running" && !expired.includes(trial)).length;
  const slots =
    head.state === "running" ? Math.max(0, Math.min(count - own.length, head.parallel - running)) : 0;
  const waiting = [
    ...expired.filter((trial) => !isLastAttempt(study, trial)),
    ...trials.filter((trial) => trial.state === "queued"),
  ].slice(0, slots);
  return {
    own,
    waiting,
    dead: expired.filter((trial) => isLastAttempt(study, trial)).slice(0, MAX_TRIAL_CHANGES - count),
    wanted: slots - waiting.length,
  };
};

/** The next attempt of a queued trial, or of one whose lease expired. */
const nextAttempt = (trial: TrialItem, lease: TrialPatch, now: number): TrialPatch => ({
  ...lease,
  attempt: trial.attempt + 1,
  reason: null,
  ...(trial.state === "running" && {
    lost: trial.lost + 1,
    attempts: lostAttempt(trial, "expired", LEASE_EXPIRED, now),
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

/** Seconds after which another ask may help: when the next lease expires, but not too long. */
const retryAfter = (state: AskReply["state"], trials: readonly TrialItem[], now: number): number | null => {
  if (state === "finished" || state === "deleting") return null;
  if (state === "paused") return PAUSED_WAIT_SECONDS;
  const leases = trials.flatMap((trial) => trial.leaseExpires ?? []);
  const seconds = Math.ceil((Math.min(...leases, now + LONGEST_WAIT_SECONDS * 1000) - now) / 1000);
  return Math.max(1, seconds);
};
