import type { AskBody, AskReply, LeasedTrial } from "../../schemas/trial.ts";
import {
  changeHead,
  changeHeadGranting,
  type Grant,
  grantLeases,
  type Head,
  type HeadPatch,
  markAhead,
  takeAhead,
} from "../../store/head.ts";
import { type Change, onePerItem } from "../../store/store.ts";
import {
  changeTrial,
  findTrialItem,
  leaseExpired,
  newTrial,
  resumedTrial,
  type TrialItem,
  type TrialPatch,
} from "../../store/trial.ts";
import { mostLeases, mostTrialChanges } from "../../study/capacity.ts";
import { expiryOf } from "../../study/ends.ts";
import { LEASE_EXPIRED, leaseEnd, lostAttempt } from "../../study/lease.ts";
import { checkpointFor, continuationOf } from "../../study/lineage.ts";
import { resourceOf, shownSplit } from "../../study/nested.ts";
import { placed, placeOf } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { stateOf, trialsLeft } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { shownRun, timestamp } from "../../study/view.ts";
import { chance } from "../core/chance.ts";
import { commit, type Plan, updateOnce } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { trialFinder } from "../core/find-trial.ts";
import { foldIfDue } from "../core/fold.ts";
import { followUp } from "../core/follow-up.ts";
import { changesPerTrial, choosesByModel, takenOut } from "../core/ladders.ts";
import { listIfDue } from "../core/listing.ts";
import { proposeTrials } from "../core/propose.ts";
import { pausedTrials } from "../core/resume.ts";
import { readSnapshot, wrongExecutor } from "../core/snapshot.ts";
import { type Chosen, chooseTrials, isMarkDue, leftAhead } from "./choose.ts";

/** How long an ask competes with others before it says that Hone is busy. */
const COMPETE_MS = 8000;
/** A slot may become free long before its lease expires. */
const LONGEST_WAIT_SECONDS = 5;
const PAUSED_WAIT_SECONDS = 30;

/** What the receipt of an ask remembers: the rest of its answer is in the trials. */
interface Remembered extends Omit<AskReply, "trials"> {
  readonly leaseExpires: string;
  readonly leases: readonly Pick<TrialItem, "number" | "attempt" | "resource" | "bracket" | "rung">[];
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
  let last: { readonly asOf: number; readonly seen: Snapshot; readonly after: Snapshot } | null = null;
  const held = new Set<number>();
  const plan = async (attempt: number) => {
    for (let looks = 1; ; looks++) {
      const asOf = deps.clock();
      const seen = await readSnapshot(deps, study);
      const planned = await planAsk(deps, seen, body, { attempt, held, mayLook: looks < LOOKS });
      if (planned !== null) {
        last = { asOf, seen, after: planned.after };
        return planned;
      }
      await deps.store.pause(looks);
    }
  };
  const recall = (remembered: Remembered) => replyAgain(deps, study, remembered);
  const reply = await commit<AskReply, Remembered>(deps, write, plan, { milliseconds: COMPETE_MS, recall });
  if (last !== null) await followAsk(deps, last);
  return reply;
};

/** What follows from an ask that was not answered from its receipt. */
const followAsk = async (
  deps: ServiceDeps,
  { asOf, seen, after }: { readonly asOf: number; readonly seen: Snapshot; readonly after: Snapshot },
): Promise<void> => {
  await noteTaken(deps, seen);
  await foldIfDue(deps, seen.study, seen);
  await listIfDue(deps, after, asOf);
};

/** Notes what has been taken of the trials proposed ahead, so that it shows when whoever took one died. */
const noteTaken = async (deps: ServiceDeps, seen: Snapshot): Promise<void> => {
  const now = deps.clock();
  if (!isMarkDue(seen, now)) return;
  await followUp(deps, seen.study.id, async () => {
    await updateOnce(deps, markAhead(seen.head, now));
  });
};

/** How often one try of an ask looks at the study, while others take what it saw or propose for it, before it proposes itself. */
const LOOKS = 5;
/** Of the asks that compete, how many propose. */
const PROPOSERS = 4;

/** What earlier tries of the same ask have come to. */
interface Try {
  readonly attempt: number;
  /** Numbers that it took of those proposed ahead. */
  readonly held: Set<number>;
  /** Whether it may look again instead of proposing. */
  readonly mayLook: boolean;
}

/** What an ask plans, and the study as it is then. */
interface Asked extends Plan<AskReply, Remembered> {
  readonly after: Snapshot;
}

/** @returns null when it should look again: others took what was left ahead, or are about to propose for all. */
const planAsk = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  body: AskBody,
  { attempt, held, mayLook }: Try,
): Promise<Asked | null> => {
  const { study, head } = snapshot;
  const now = deps.clock();
  const perTrial = changesPerTrial(study);
  const most = mostLeases(study.space);
  const count = Math.min(body.count ?? 1, most);
  const toss = () => chance(deps);
  const asker = { worker: body.worker, count, held };
  const chosen = chooseTrials(snapshot, asker, now, toss);
  const { own, mine, waiting, dead, room } = chosen;
  const crowd = crowdOf(head, attempt);
  const isModelled = choosesByModel(snapshot);
  if (isModelled && mayLook && chosen.wanted > 0 && leavesItToOthers(head, toss)) return null;
  const aheadFor = (wanted: number) =>
    Math.min(most - count, aheadOf(snapshot, crowd, { wanted, attempt, toss }));
  const modelled = isModelled && chosen.wanted > 0 ? aheadFor(chosen.wanted) : 0;
  const goingOn = await pausedToGoOn(deps, snapshot, chosen, modelled);
  const begun = waiting.length + goingOn.resumed.length;
  const others = own.length + mine.length + waiting.length;
  const spare = most - others - perTrial * goingOn.resumed.length;
  const slots = Math.min(chosen.wanted + chosen.tickets - goingOn.resumed.length, spare);
  const tickets = Math.min(chosen.tickets, slots);
  const ticketed = await trialsAhead(deps, snapshot, { leases: tickets, room: room - begun });
  for (const { number } of ticketed) held.add(number);
  const wanted = goingOn.end === null ? slots - ticketed.length : 0;
  if (mayLook && ticketed.length < tickets) return null;
  if (!isModelled && mayLook && wanted > 0 && leavesItToOthers(head, toss)) return null;
  const ahead = Math.min(
    spare - slots,
    isModelled ? Math.max(0, goingOn.drafts.length - wanted) : aheadFor(wanted),
  );
  const fresh = await proposeTrials(deps, snapshot, wanted + ahead, goingOn.drafts);

  const lease = {
    state: "running" as const,
    worker: body.worker ?? null,
    leaseExpires: leaseEnd(study, now),
  };
  const resumed = goingOn.resumed.map(({ item, place }) => ({
    trial: item,
    patch: { ...nextAttempt(item, lease, now), ...placed(place), lost: 0, finished: null },
  }));
  const again = own.map((trial) => ({ trial, patch: { leaseExpires: lease.leaseExpires } }));
  const taken = [...waiting, ...mine, ...ticketed].map((trial) => ({
    trial,
    patch: nextAttempt(trial, lease, now),
  }));
  const created = fresh.trials.map(
    (trial, i): TrialItem => (i < wanted ? { ...trial, ...lease, attempt: 1 } : trial),
  );
  const given = created.slice(0, wanted);
  const changed = own.length + taken.length + resumed.length + created.length;
  const left = mostTrialChanges(study.space) - changed - (perTrial - 1) * resumed.length;
  const ended = dead.slice(0, Math.floor(left / perTrial)).map((trial) => ({
    trial,
    ...expiryOf(study, trial, now),
  }));
  const isSettled = goingOn.isSettled && changed === 0 && fresh.exhausted === head.exhausted;

  const headPatch = {
    next: head.next + created.length,
    exhausted: fresh.exhausted,
    ...(isSettled && { settled: true }),
    ...(created.length > wanted && {
      // Those that are left are followed by the new ones, number by number; otherwise there are none.
      ...(wanted > 0 && { aheadFrom: head.next + given.length }),
      aheadTo: head.next + created.length,
    }),
    ...goingOn.end,
  };
  const goesOn = new Set(resumed.map(({ trial }) => trial.number));
  const after = {
    ...snapshot,
    head: { ...head, ...headPatch },
    trials: [
      ...patched(snapshot.trials, [...again, ...taken, ...ended]).filter(({ number }) => !goesOn.has(number)),
      ...resumed.map(({ trial, patch }): TrialItem => ({ ...trial, ...patch })),
      ...created,
    ],
  };
  const leased = [
    ...[...again, ...taken, ...resumed].map(({ trial, patch }): TrialItem => ({ ...trial, ...patch })),
    ...given,
  ];
  const state = stateOf(after);
  const leaseExpires = timestamp(lease.leaseExpires);
  const rest = { state, retryAfter: leased.length > 0 ? null : retryAfter(state, after.trials, now) };
  const leases = begun + given.length;
  const grant = { leases, room: goingOn.isAtAnEnd ? leases : room };
  return {
    changes: onePerItem([
      ...headChanges(snapshot, headPatch, grant, crowd),
      ...again.map(({ trial, patch }) => changeTrial(trial, patch)),
      ...taken.map(({ trial, patch }) =>
        changeTrial(trial, patch, trial.state === "running" ? leaseExpired(now) : undefined),
      ),
      ...resumed.map(({ trial, patch }) => resumedTrial(study.space, trial, patch)),
      ...takenOut(study, goingOn.resumed, goingOn.ladders),
      ...ended.flatMap(({ trial, patch, changes }) => [
        changeTrial(trial, patch, leaseExpired(now)),
        ...changes,
      ]),
      ...created.map((trial) => newTrial(study.space, trial)),
    ]),
    answer: { trials: leased.map((trial) => toLease(study, trial, leaseExpires)), ...rest },
    remembered: {
      ...rest,
      leaseExpires,
      leases: leased.map(({ number, attempt, resource, bracket, rung }) => ({
        number,
        attempt,
        resource,
        bracket,
        rung,
      })),
    },
    after,
  };
};

/**
 * Paused trials that this ask hands out: they go before new ones. Until a lost trial has been ended, it is awaited. Where a model
 * chooses between both, what it proposed ahead goes first: that was its choice.
 */
const pausedToGoOn = (
  deps: ServiceDeps,
  snapshot: Snapshot,
  { own, mine, waiting, wanted, tickets }: Chosen,
  ahead: number,
) => {
  const busy = snapshot.trials.filter(({ state }) => state === "running" || state === "queued");
  const room = mostLeases(snapshot.study.space) - own.length - mine.length - waiting.length;
  const most = Math.floor(room / changesPerTrial(snapshot.study));
  const slots = choosesByModel(snapshot) ? wanted : wanted + tickets;
  return pausedTrials(deps, snapshot, busy.length, { now: Math.min(slots, most), ahead });
};

/** The trials as they are once their patches are written. */
const patched = (
  trials: readonly TrialItem[],
  changes: readonly { readonly trial: TrialItem; readonly patch: TrialPatch }[],
): TrialItem[] => {
  const patches = new Map(changes.map(({ trial, patch }) => [trial.number, patch]));
  return trials.map((trial) => ({ ...trial, ...patches.get(trial.number) }));
};

/** Takes trials that were proposed ahead; none when others took some of them first. */
const trialsAhead = async (deps: ServiceDeps, snapshot: Snapshot, grant: Grant): Promise<TrialItem[]> => {
  if (grant.leases === 0) return [];
  const numbers = (await takeAhead(deps.store, snapshot.head, grant)) ?? [];
  const found = numbers.map(
    async (number) =>
      snapshot.trials.find((trial) => trial.number === number) ??
      (await findTrialItem(deps.store, snapshot.study, number)),
  );
  const trials = await Promise.all(found);
  return trials.filter((trial) => trial !== null).filter(({ state }) => state === "queued");
};

/**
 * A lease on a trial that exists needs room, a new trial needs the revision too, and the rest concerns no other ask. That a study
 * is over needs both: others give leases on paused trials without raising the revision.
 */
const headChanges = (
  { head }: Snapshot,
  patch: Pick<Head, "next" | "exhausted"> & HeadPatch,
  grant: Grant,
  crowd: number,
): Change[] => {
  if (patch.next !== head.next || patch.exhausted !== head.exhausted || patch.settled === true) {
    const changed = { ...patch, crowd };
    return grant.leases > 0 || patch.settled === true
      ? [changeHeadGranting(head, changed, grant)]
      : [changeHead(head, changed)];
  }
  return grant.leases > 0 ? [grantLeases(head, grant)] : [];
};

/** Of the running trials, the share that is proposed ahead: results that come in meanwhile are as many as that. */
const AHEAD_SHARE = 8;
const MOST_AHEAD = 64;

/**
 * Where many compete, a few propose for all and the others look again: writing what dozens propose for dozens, to have one of
 * them win, would cost the table more than all their asks.
 */
const leavesItToOthers = (head: Head, toss: () => number): boolean =>
  head.crowd > PROPOSERS && trialsLeft(head) > 0 && toss() >= PROPOSERS / head.crowd;

/**
 * How many asks compete to propose: those that lost races can tell, and the head remembers it for the others. It fades with
 * every ask that proposes without having lost.
 */
const crowdOf = ({ crowd, parallel }: Head, attempt: number): number => {
  if (attempt === 1) return Math.floor(crowd / 2);
  return attempt === 2 ? crowd : Math.min(MOST_AHEAD, parallel, Math.max(crowd, 2 ** (attempt - 1)));
};

interface Situation {
  /** New trials that the ask hands out itself. */
  readonly wanted: number;
  readonly attempt: number;
  /** Uniform in [0, 1). */
  readonly toss: () => number;
}

/**
 * How many trials an ask proposes for those to come. None while few run and few compete, so that every proposal knows all results.
 * Where many compete, one ask or two propose before none is left.
 */
const aheadOf = ({ head, trials }: Snapshot, crowd: number, { wanted, attempt, toss }: Situation): number => {
  const running = trials.filter((trial) => trial.state === "running").length;
  const block = Math.min(MOST_AHEAD, Math.max(Math.floor(running / AHEAD_SHARE), crowd));
  if (wanted > 0) return block;
  const left = leftAhead(head);
  const isFollowed = left > 0 && head.aheadTo === head.next;
  return isFollowed && attempt === 1 && 2 * left < block && toss() < 2 / block ? block - left : 0;
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

const toLease = (study: LoadedStudy, trial: TrialItem, leaseExpires: string): LeasedTrial => ({
  number: trial.number,
  attempt: trial.attempt,
  params: trial.params,
  ...shownRun(study, trial),
  resource: resourceOf(study, trial),
  reportAt: study.scheduler.nextStep(placeOf(study, trial)),
  checkpoint: checkpointFor(trial),
  ...continuationOf(study, trial),
  leaseExpires,
  ...shownSplit(study, trial),
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
    return trial === null ? [] : [toLease(study, { ...trial, ...lease }, leaseExpires)];
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
