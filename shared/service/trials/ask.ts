import type { AskBody, AskReply, LeasedTrial } from "../../schemas/trial.ts";
import { changeHead, changeHeadGranting, grantLeases } from "../../store/head.ts";
import type { Change } from "../../store/store.ts";
import { changeTrial, leaseExpired, newTrial, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import { mostLeases, mostTrialChanges } from "../../study/capacity.ts";
import { LEASE_EXPIRED, leaseEnd, lostAttempt, outOfAttempts } from "../../study/lease.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { stateOf } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { timestamp } from "../../study/view.ts";
import { chance } from "../core/chance.ts";
import { commit, type Plan } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { trialFinder } from "../core/find-trial.ts";
import { foldIfDue } from "../core/fold.ts";
import { proposeTrials } from "../core/propose.ts";
import { readSnapshot, wrongExecutor } from "../core/snapshot.ts";
import { chooseTrials } from "./choose.ts";

/** How long an ask competes with others before it says that Hone is busy. */
const COMPETE_MS = 8000;
/** A slot may become free long before its lease expires. */
const LONGEST_WAIT_SECONDS = 5;
const PAUSED_WAIT_SECONDS = 30;

/** What the receipt of an ask remembers: the rest of its answer is in the trials. */
interface Remembered extends Omit<AskReply, "trials"> {
  readonly leaseExpires: string;
  readonly leases: readonly Pick<LeasedTrial, "number" | "attempt" | "resource">[];
}

/**
 * Leases up to `count` trials, in this order: the worker's own running ones, those whose lease expired, queued ones, new
 * ones from the algorithm. Numbers and budget are exact because new trials commit on the head's revision, and no more run
 * than may because every lease is counted there. Leases on trials that exist are given without that revision, so asks seldom
 * get in each other's way: where many workers ask, an ask that proposes anyway leaves some trials more for the next ones.
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
  const plan = async (attempt: number) => {
    seen = await readSnapshot(deps, study);
    return planAsk(deps, seen, body, attempt);
  };
  const recall = (remembered: Remembered) => replyAgain(deps, study, remembered);
  const reply = await commit<AskReply, Remembered>(deps, write, plan, { milliseconds: COMPETE_MS, recall });
  if (seen !== null) await foldIfDue(deps, study, seen);
  return reply;
};

const planAsk = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  body: AskBody,
  attempt: number,
): Promise<Plan<AskReply, Remembered>> => {
  const { study, head } = snapshot;
  const now = deps.clock();
  const most = mostLeases(study.space);
  const count = Math.min(body.count ?? 1, most);
  const { own, waiting, dead, wanted, room } = chooseTrials(snapshot, body.worker, count, now, () =>
    chance(deps),
  );
  const ahead = wanted === 0 ? 0 : Math.min(most - count, aheadOf(snapshot, attempt));
  const fresh = await proposeTrials(deps, snapshot, wanted === 0 ? 0 : wanted + ahead);

  const lease = {
    state: "running" as const,
    worker: body.worker ?? null,
    leaseExpires: leaseEnd(study, now),
  };
  const again = own.map((trial) => ({ trial, patch: { leaseExpires: lease.leaseExpires } }));
  const taken = waiting.map((trial) => ({ trial, patch: nextAttempt(trial, lease, now) }));
  const created = fresh.trials.map(
    (trial, i): TrialItem => (i < wanted ? { ...trial, ...lease, attempt: 1 } : trial),
  );
  const given = created.slice(0, wanted);
  const ended = dead.slice(0, mostTrialChanges(study.space) - own.length - taken.length - created.length);

  const headPatch = { next: head.next + created.length, exhausted: fresh.exhausted };
  const after = {
    head: { ...head, ...headPatch },
    trials: [...snapshot.trials.filter((trial) => !ended.includes(trial)), ...created],
  };
  const leased = [
    ...[...again, ...taken].map(({ trial, patch }): TrialItem => ({ ...trial, ...patch })),
    ...given,
  ];
  const state = stateOf(after);
  const leaseExpires = timestamp(lease.leaseExpires);
  const rest = { state, retryAfter: leased.length > 0 ? null : retryAfter(state, after.trials, now) };
  return {
    changes: [
      ...headChanges(snapshot, headPatch, { leases: taken.length + given.length, room }),
      ...again.map(({ trial, patch }) => changeTrial(trial, patch)),
      ...taken.map(({ trial, patch }) =>
        changeTrial(trial, patch, trial.state === "running" ? leaseExpired(now) : undefined),
      ),
      ...ended.map((trial) =>
        changeTrial(trial, outOfAttempts(trial, "expired", LEASE_EXPIRED, now), leaseExpired(now)),
      ),
      ...created.map((trial) => newTrial(study.space, trial)),
    ],
    answer: { trials: leased.map((trial) => toLease(trial, leaseExpires)), ...rest },
    remembered: {
      ...rest,
      leaseExpires,
      leases: leased.map(({ number, attempt, resource }) => ({ number, attempt, resource })),
    },
  };
};

/** A lease on a trial that exists needs room, a new trial needs the revision too, and the rest concerns no other ask. */
const headChanges = (
  { head }: Snapshot,
  patch: { readonly next: number; readonly exhausted: boolean },
  grant: { readonly leases: number; readonly room: number },
): Change[] => {
  if (patch.next !== head.next || patch.exhausted !== head.exhausted) {
    return grant.leases > 0 ? [changeHeadGranting(head, patch, grant)] : [changeHead(head, patch)];
  }
  return grant.leases > 0 ? [grantLeases(head, grant)] : [];
};

/** Of the running trials, the share that is proposed ahead: results that come in meanwhile are as many as that. */
const AHEAD_SHARE = 8;
const MOST_AHEAD = 64;

/**
 * How many trials an ask proposes beyond those it hands out. None while few run, so that every proposal knows all results;
 * more when others keep winning, because then many are waiting.
 */
const aheadOf = ({ trials }: Snapshot, attempt: number): number => {
  const running = trials.filter((trial) => trial.state === "running").length;
  const contended = attempt < 3 ? 0 : 2 ** (attempt - 2) - 1;
  return Math.min(MOST_AHEAD, Math.max(Math.floor(running / AHEAD_SHARE), contended));
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

const toLease = (trial: TrialItem, leaseExpires: string): LeasedTrial => ({
  number: trial.number,
  attempt: trial.attempt,
  params: trial.params,
  resource: trial.resource,
  checkpoint: trial.checkpoint,
  leaseExpires,
  algorithm: trial.algorithm,
  why: trial.why,
});

/** The answer to a repeated ask: the same leases, whatever has become of the trials. */
const replyAgain = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { leases, leaseExpires, ...rest }: Remembered,
): Promise<AskReply> => {
  const find = leases.length === 0 ? () => null : await trialFinder(deps, await readSnapshot(deps, study));
  const trials = leases.flatMap((lease) => {
    const trial = find(lease.number);
    return trial === null ? [] : [toLease({ ...trial, ...lease }, leaseExpires)];
  });
  return { trials, ...rest };
};

/** Seconds after which another ask may help: when the next lease expires, but not too long. */
const retryAfter = (state: AskReply["state"], trials: readonly TrialItem[], now: number): number | null => {
  if (state === "finished" || state === "deleting") return null;
  if (state === "paused") return PAUSED_WAIT_SECONDS;
  const leases = trials.flatMap((trial) => trial.leaseExpires ?? []);
  const seconds = Math.ceil((Math.min(...leases, now + LONGEST_WAIT_SECONDS * 1000) - now) / 1000);
  return Math.max(1, seconds);
};
