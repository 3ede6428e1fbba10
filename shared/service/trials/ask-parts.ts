import { StudyNotFound } from "../../errors.ts";
import type { AskBody, AskReply } from "../../schemas/trial.ts";
import { mostLeases } from "../../study/capacity.ts";
import { isExpired } from "../../study/lease.ts";
import { foldState, partOf, refitOf } from "../../study/nested.ts";
import { foldsOf, wholeNumber } from "../../study/parts.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { stateOf, trialsLeft, trialsUsed } from "../../study/state.ts";
import type { LoadedStudy, NestedSpec } from "../../study/study.ts";
import { chance } from "../core/chance.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { listIfDue } from "../core/listing.ts";
import { readWhole, stateOfWhole, type Whole } from "../core/parts.ts";
import { enqueueRefit } from "../core/refit.ts";
import { readSnapshot } from "../core/snapshot.ts";
import { askTrials } from "./ask.ts";

/** A trial of another worker may end, or a search, long before a lease expires. */
const WAIT_SECONDS = 5;
const PAUSED_WAIT_SECONDS = 30;

/** Which parts an ask asks, one after the other, until it has as many trials as it wants. */
interface Route {
  readonly parts: readonly { readonly index: number; readonly most: number }[];
  readonly state: AskReply["state"];
}

/**
 * Asks the parts of nested cross-validation: those where the worker has running trials, then refits that are due, then the searches
 * that have handed out least. What an Idempotency-Key remembers is which parts were asked, before any is, and each part remembers its own
 * answer: a repeat asks the same parts, and no trial is leased twice.
 * @throws StudyNotFound, Unavailable when others kept winning.
 */
export const askParts = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  nested: NestedSpec,
  body: AskBody,
  write: WriteContext,
): Promise<AskReply> => {
  const count = Math.min(body.count ?? 1, mostLeases(study.space));
  const route = await commit<Route>(deps, write, async () => ({
    changes: [],
    answer: await planRoute(deps, study, nested, { count, worker: body.worker }),
  }));
  const trials: AskReply["trials"] = [];
  for (const { index, most } of route.parts) {
    const left = count - trials.length;
    if (left <= 0) break;
    const part = partOf(study, nested, index);
    const receipt = write.receipt === null ? null : { ...write.receipt, study: part.id };
    const asked = { ...body, count: Math.min(left, most) };
    trials.push(...(await askPart(deps, study, part, asked, { receipt })));
  }
  await listIfDue(deps, await readSnapshot(deps, study), deps.clock());
  const isNone = trials.length === 0;
  const isOver = route.state === "finished" || route.state === "deleting";
  const wait = route.state === "paused" ? PAUSED_WAIT_SECONDS : WAIT_SECONDS;
  return { trials, state: route.state, retryAfter: isNone && !isOver ? wait : null };
};

/** What a part hands out, under the numbers of the whole study. */
const askPart = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  part: LoadedStudy,
  body: AskBody,
  write: WriteContext,
): Promise<AskReply["trials"]> => {
  const { nested, index } = part.part ?? {};
  if (nested === undefined || index === undefined) return [];
  try {
    const { trials } = await askTrials(deps, part, body, write);
    return trials.map((trial) => ({ ...trial, number: wholeNumber(nested, index, trial.number) }));
  } catch (error) {
    throw error instanceof StudyNotFound ? new StudyNotFound(study.id) : error;
  }
};

interface Asker {
  readonly count: number;
  readonly worker: string | undefined;
}

const planRoute = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  nested: NestedSpec,
  { count, worker }: Asker,
): Promise<Route> => {
  const whole = await readWhole(deps, await readSnapshot(deps, study), nested);
  const state = stateOfWhole(whole);
  const own = whole.parts.map(({ trials }) =>
    worker === undefined
      ? 0
      : trials.filter((trial) => trial.state === "running" && trial.worker === worker).length,
  );
  const route = new Map<number, number>();
  let left = count;
  const take = (index: number, most: number) => {
    const taken = Math.min(left, most);
    if (taken <= 0) return;
    route.set(index, (route.get(index) ?? 0) + taken);
    left -= taken;
  };
  own.forEach((trials, index) => {
    take(index, trials);
  });
  if (state === "running") {
    for (const index of await refitsToGive(deps, whole)) take(index, 1);
    for (const index of shares(deps, whole, left)) take(index, 1);
    // Those that were to give may have nothing after all.
    for (const index of otherSearches(whole, deps.clock())) if (!route.has(index)) route.set(index, count);
  }
  return { parts: [...route].map(([index, most]) => ({ index, most })), state };
};

/** Refits that are due, enqueued if they were not yet, and those that wait for another attempt. */
const refitsToGive = async (deps: ServiceDeps, whole: Whole): Promise<number[]> => {
  const { snapshot, nested, folds, parts } = whole;
  const now = deps.clock();
  const due = folds.map(async (fold, i): Promise<number[]> => {
    if (foldState(fold) !== "refit" || fold.winner === null) return [];
    const index = foldsOf(nested) + i;
    if (refitOf(fold.winner, fold.refits) === undefined) {
      await enqueueRefit(deps, partOf(snapshot.study, nested, index), fold.winner);
      return [index];
    }
    const isWaiting = parts[index]?.trials.some((trial) => trial.state === "queued" || isExpired(trial, now));
    return isWaiting ? [index] : [];
  });
  return (await Promise.all(due)).flat();
};

/** How many trials a search may give now, paused ones not counted. */
const giveable = ({ study, head, trials }: Snapshot, now: number): number => {
  if (stateOf({ head, trials }) !== "running" || study.part === undefined) return 0;
  const expired = trials.filter((trial) => isExpired(trial, now)).length;
  const queued = trials.filter(({ state }) => state === "queued").length;
  const running = trials.filter(({ state }) => state === "running").length - expired;
  return Math.max(0, Math.min(head.parallel - running, trialsLeft(head) + queued + expired));
};

/** The searches that give the next trials: each time the one that has handed out least; among equals any, so that asks seldom meet. */
const shares = (deps: ServiceDeps, { nested, parts }: Whole, count: number): number[] => {
  const now = deps.clock();
  const searches = parts.slice(0, foldsOf(nested)).map((part, index) => ({
    index,
    given: trialsUsed(part.head),
    left: giveable(part, now),
    toss: chance(deps),
  }));
  const chosen: number[] = [];
  while (chosen.length < count) {
    const [next] = searches
      .filter(({ left }) => left > 0)
      .sort((a, b) => a.given - b.given || a.toss - b.toss);
    if (next === undefined) break;
    chosen.push(next.index);
    next.given++;
    next.left--;
  }
  return chosen;
};

/** Searches that may have something: new trials, unless the algorithm awaits results, or paused ones that go on. */
const otherSearches = ({ nested, parts }: Whole, now: number): number[] =>
  parts
    .slice(0, foldsOf(nested))
    .flatMap((part, index) =>
      giveable(part, now) > 0 || (part.study.scheduler.levels.length > 0 && stateOf(part) === "running")
        ? [index]
        : [],
    );
