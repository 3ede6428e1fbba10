import { createHash } from "node:crypto";
import type { Place, Ranking } from "../../scheduler/scheduler.ts";
import { hasFailed, type Standing } from "../../scheduler/standing.ts";
import type { ClosedRung } from "../../schemas/rounds.ts";
import { reasonSentence } from "../../sentences/reasons.ts";
import { whileStarted } from "../../store/head.ts";
import { addMembers, markClosed, promoteMore, type Rung, readRung } from "../../store/rung.ts";
import type { Change } from "../../store/store.ts";
import { changeTrial, type TrialItem } from "../../store/trial.ts";
import { rungAddress, standingOf } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { isUnfinished } from "../../study/state.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { findRound, isAt, type Round, type RoundAddress, TRIES } from "./round.ts";

/**
 * Closes a rung when all its trials have ended there: ranks them and promotes the best. Decided once, by one conditional write, from
 * the told values alone. The others of the rung below, which waited in case that none of those promoted comes to a result, end now;
 * if none has, the next ones of them are promoted instead, and the rung stays open.
 */
export const closeRung = async (deps: ServiceDeps, address: RoundAddress): Promise<ClosedRung> => {
  const plan = async () => {
    const round = await findRound(deps, address);
    const ended = { changes: [], answer: { rung: address.rung, done: true } };
    return round === null ? ended : planClosing(deps, round);
  };
  for (;;) {
    const closed = await commit<ClosedRung | null>(deps, noRequest, plan, TRIES);
    if (closed !== null) return closed;
  }
};

/** The rung below that of a round, whose trials may still wait. */
interface Below {
  readonly place: Place;
  readonly rung: Rung;
}

/** The next step of closing a rung; it answers null when all must be read again, and what comes next at last. */
const planClosing = async (deps: ServiceDeps, round: Round): Promise<Plan<ClosedRung | null>> => {
  const { snapshot, rounds, place } = round;
  const { study, head } = snapshot;
  const { bracket, rung } = place;
  const address = rungAddress(study, place);
  const known = await readRung(deps.store, address);
  const again = { rung, done: false };
  if (known === null || !isComplete(snapshot, known)) return { changes: [], answer: again };
  const guard = whileStarted(head);
  const below = await findBelow(deps, round);
  if (known.state === "open") {
    const next = below === null || hasResult(round, known) ? [] : nextInLine(round, below);
    if (below === null || next.length === 0) {
      return { changes: [markClosed(address, decide(round, known)), guard], answer: null };
    }
    const changes = [
      promoteMore(rungAddress(study, below.place), below.rung, next),
      addMembers(address, known, next),
      guard,
    ];
    return { changes, answer: again };
  }
  const isLast = rung === rounds.brackets.resources(bracket).length - 1 || known.promoted.length === 0;
  return {
    guard,
    changes: below === null ? [] : endOthers(round, below, deps.clock()),
    answer: { rung: rung + 1, done: isLast },
  };
};

const findBelow = async (deps: ServiceDeps, { snapshot, rounds, place }: Round): Promise<Below | null> => {
  const { bracket, rung } = place;
  const resource = rounds.brackets.resources(bracket)[rung - 1];
  if (resource === undefined) return null;
  const below = { bracket, rung: rung - 1, resource };
  const known = await readRung(deps.store, rungAddress(snapshot.study, below));
  return known === null ? null : { place: below, rung: known };
};

/** Whether every member has a result. A member that ended without one, which should not happen, counts as failed. */
const isComplete = ({ trials }: Snapshot, { members, results }: Rung): boolean => {
  const unfinished = new Set(trials.filter(isUnfinished).map((trial) => trial.number));
  return !members.some((number) => !results.has(number) && unfinished.has(number));
};

const standingsOf = ({ snapshot }: Round, { members, results }: Rung): Standing[] =>
  members.map((trial) => standingOf(snapshot.study.spec, trial, results.get(trial) ?? null));

const hasResult = (round: Round, known: Rung): boolean =>
  standingsOf(round, known).some((standing) => !hasFailed(standing));

/** Which trials go on; the hash records from which results. */
const decide = (round: Round, known: Rung): Ranking & { readonly hash: string } => {
  const standings = standingsOf(round, known);
  const ranking = round.rounds.close(round.place, standings);
  const hash = createHash("sha256")
    .update(JSON.stringify([standings, ranking]))
    .digest("hex");
  return { ...ranking, hash };
};

/** The trials that wait at a rung, which do not go on unless all that do fail. */
const othersAt = ({ snapshot }: Round, { place }: Below): TrialItem[] =>
  snapshot.trials.filter((trial) => trial.state === "paused" && isAt(snapshot.study, trial, place));

/** Those that take the place of the promoted ones when all of these have failed: as many again. */
const nextInLine = (round: Round, below: Below): number[] => {
  const { promoted } = round.rounds.close(below.place, standingsOf(round, below.rung));
  const waiting = new Set(othersAt(round, below).map((trial) => trial.number));
  return below.rung.order.filter((number) => waiting.has(number)).slice(0, promoted.length);
};

const endOthers = (round: Round, below: Below, now: number): Change[] => {
  const { place, rung } = below;
  return othersAt(round, below).map((trial) => {
    const reason = reasonSentence({
      kind: "rung-rank",
      rung: place.rung,
      unit: round.rounds.unit,
      resource: place.resource,
      rank: rung.order.indexOf(trial.number) + 1,
      of: rung.order.length,
      goOn: rung.promoted.length,
    });
    return changeTrial(trial, { state: "pruned", reason, finished: now });
  });
};
