import { ID } from "../patterns.ts";

/**
 * Every key of the one table; nobody else spells a key.
 *
 * A study's partition in the order of its sort keys: `A#HEAD` (small, changed by every ask), `A#HINT` (what its algorithm
 * keeps because recomputing it is expensive), `B#TRIAL#<n>` (a trial
 * from its proposal or import until it is folded), `S#SEG#<k>` (folded trials), `Y#WAIT` (the state machines that wait for a part of
 * nested cross-validation), `Z#EARLIER` (results of the studies that it was warm-started from, never changed), `Z#SPEC` (what the client
 * asked for, never changed). One Query of what lies below `C` reads all that an ask needs.
 */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** The key of an item that was read. */
export const keyOf = (item: Readonly<Record<string, unknown>>): Key => ({
  pk: String(item.pk),
  sk: String(item.sk),
});

/** Beyond any time in milliseconds since 1970 that there will be. */
const END_OF_TIME = 10 ** 15;

const padded = (n: number, width: number) => String(n).padStart(width, "0");

export const studyPartition = (study: string) => `STUDY#${study}`;
export const headKey = (study: string): Key => ({ pk: studyPartition(study), sk: "A#HEAD" });
export const hintKey = (study: string): Key => ({ pk: studyPartition(study), sk: "A#HINT" });
export const waitKey = (study: string): Key => ({ pk: studyPartition(study), sk: "Y#WAIT" });
export const earlierKey = (study: string): Key => ({ pk: studyPartition(study), sk: "Z#EARLIER" });
export const specKey = (study: string): Key => ({ pk: studyPartition(study), sk: "Z#SPEC" });
export const trialKey = (study: string, n: number): Key => ({
  pk: studyPartition(study),
  sk: `B#TRIAL#${padded(n, 8)}`,
});
export const segmentKey = (study: string, k: number): Key => ({
  pk: studyPartition(study),
  sk: `S#SEG#${padded(k, 6)}`,
});

/** Sort keys from the first to the last of these are the head, the hint and the trials that are not folded yet. */
export const UNFOLDED_RANGE = { from: "A", to: "C" } as const;

/** A trial's learning curve keeps its own partition, so that reports do not slow the asks of the study. */
export const trialPartition = (study: string, n: number) => `TRIAL#${study}#${n}`;
export const reportKey = (study: string, n: number, attempt: number, step: number): Key => ({
  pk: trialPartition(study, n),
  // Steps may be fractions; the integer part sorts, the rest follows as written.
  sk: `REPORT#${padded(Math.floor(step), 10)}#${step}#${padded(attempt, 3)}`,
});

export const rungPartition = (study: string, bracket: number, rung: number) =>
  `RUNG#${study}#${bracket}#${rung}`;
export const rungKey = (study: string, bracket: number, rung: number): Key => ({
  pk: rungPartition(study, bracket, rung),
  sk: "RUNG",
});
export const rungEntryKey = (study: string, bracket: number, rung: number, n: number): Key => ({
  pk: rungPartition(study, bracket, rung),
  sk: `TRIAL#${padded(n, 8)}`,
});

/** What the rungs of a study have seen, in a partition of their own: one Query of it reads all ladders from a bracket on. */
export const ladderPartition = (study: string) => `LADDER#${study}`;
export const bracketPrefix = (bracket: number) => `${padded(bracket, 8)}#`;
const rungPrefix = (bracket: number, rung: number) => `${bracketPrefix(bracket)}${padded(rung, 4)}#`;
export const rungTablePrefix = (bracket: number, rung: number) => `${rungPrefix(bracket, rung)}TABLE#`;
export const rungTableKey = (study: string, bracket: number, rung: number, table: number): Key => ({
  pk: ladderPartition(study),
  sk: `${rungTablePrefix(bracket, rung)}${table}`,
});
/** A trial that failed on its way to a rung from the one below. */
export const lostTrialKey = (study: string, bracket: number, rung: number, n: number): Key => ({
  pk: ladderPartition(study),
  sk: `${rungPrefix(bracket, rung)}LOST#${padded(n, 8)}`,
});

export const teamPartition = (team: string) => `TEAM#${team}`;
export const teamKey = (team: string): Key => ({ pk: teamPartition(team), sk: "TEAM" });
export const tokenKey = (team: string, id: string): Key => ({ pk: teamPartition(team), sk: `TOKEN#${id}` });
export const TOKEN_PREFIX = "TOKEN#";
/** Which team a token belongs to; found by the token's id alone. */
export const tokenOwnerKey = (id: string): Key => ({ pk: `TOKEN#${id}`, sk: "OWNER" });
/** A person of a team, by name. */
export const memberKey = (team: string, name: string): Key => ({
  pk: teamPartition(team),
  sk: `${MEMBER_PREFIX}${name}`,
});
export const MEMBER_PREFIX = "MEMBER#";
/**
 * What a principal was given: `id` is a token's id, a member's name or an ARN, which may hold any character; no study's id holds
 * `#` or `*`.
 * @param study null: in the whole team.
 */
export const grantKey = (team: string, kind: string, id: string, study: string | null): Key => ({
  pk: teamPartition(team),
  sk: `${grantPrefix(kind, id)}${study ?? "*"}`,
});
export const grantPrefix = (kind: string, id: string) => `${GRANT_PREFIX}${kind}#${id}#`;
export const GRANT_PREFIX = "GRANT#";
/** AWS credentials that were made for one study. */
export const sessionKey = (team: string, id: string): Key => ({
  pk: teamPartition(team),
  sk: `SESSION#${id}`,
});
/** What a team created in one minute; deleted soon after. */
export const teamMinuteKey = (team: string, minute: number): Key => ({
  pk: teamPartition(team),
  sk: `MINUTE#${minute}`,
});
/** There while the team is being deleted. */
export const teamClosedKey = (team: string): Key => ({ pk: teamPartition(team), sk: "CLOSED" });
/** The audit trail of a team in one month (UTC, `yyyy-mm`): a partition that only grows, and expires line by line. */
export const auditPartition = (team: string, month: string) => `AUDIT#${team}#${month}`;
/** A month's lines, the newest first. @param at milliseconds since 1970. */
export const auditTime = (at: number) => padded(END_OF_TIME - at, 15);
export const auditKey = (team: string, at: number, request: string): Key => ({
  pk: auditPartition(team, monthOf(at)),
  sk: `${auditTime(at)}#${request}`,
});
/** What follows the time is the id that API Gateway gave the request. */
export const AUDIT_PLACE = "[0-9]{15}#\\S{1,200}";
/** The month of a time, as `2026-11`, UTC. */
export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7);
/** What a team may spend a month, and what it has spent in one (`2026-11`). */
export const teamBudgetKey = (team: string): Key => ({ pk: teamPartition(team), sk: "BUDGET" });
export const spendKey = (team: string, month: string): Key => ({
  pk: teamPartition(team),
  sk: `SPEND#${month}`,
});
/** Requests of a team in one window of time, in a partition of their own; deleted soon after. */
export const requestCountKey = (team: string, window: number): Key => ({
  pk: `REQUESTS#${team}`,
  sk: String(window),
});
/** Listings in the order of what is listed: the newest study first. */
export const LISTING_PREFIX = "LISTED#";
/** The place of a study among the listings of its team. @param created milliseconds since 1970. */
export const listingPlace = (created: number, study: string) =>
  `${padded(END_OF_TIME - created, 15)}#${study}`;
export const LISTING_PLACE = `[0-9]{15}#${ID}`;
export const listingKey = (team: string, created: number, study: string): Key => ({
  pk: teamPartition(team),
  sk: `${LISTING_PREFIX}${listingPlace(created, study)}`,
});
/** Where older versions kept listings, in the order of their ids. */
export const teamStudyKey = (team: string, study: string): Key => ({
  pk: teamPartition(team),
  sk: `STUDY#${study}`,
});
export const TEAM_STUDY_PREFIX = "STUDY#";

/** A sweep with what became of its firings, in a partition of its own; its team's partition only lists it. */
export const sweepPartition = (sweep: string) => `SWEEP#${sweep}`;
export const sweepKey = (sweep: string): Key => ({ pk: sweepPartition(sweep), sk: "SWEEP" });
export const FIRING_PREFIX = "FIRING#";
/**
 * The place of a firing among those of its sweep: the newest first. One that a person asked for never takes the place of one of the
 * schedule, whatever their times. @param at when it was due, milliseconds since 1970.
 */
export const firingPlace = (at: number, manual: boolean) =>
  `${padded(END_OF_TIME - at, 15)}#${manual ? "M" : "S"}`;
export const FIRING_PLACE = "[0-9]{15}#[MS]";
export const firingKey = (sweep: string, at: number, manual: boolean): Key => ({
  pk: sweepPartition(sweep),
  sk: `${FIRING_PREFIX}${firingPlace(at, manual)}`,
});
/** The listings of a team's sweeps, in the same form and order as those of its studies. */
export const SWEEP_LISTING_PREFIX = "SWEEPS#";
export const sweepListingKey = (team: string, created: number, sweep: string): Key => ({
  pk: teamPartition(team),
  sk: `${SWEEP_LISTING_PREFIX}${listingPlace(created, sweep)}`,
});

/** Receipts of a study lie in this many partitions, so that they share no partition's writes and its deletion finds them. */
const RECEIPT_SHARDS = 16;
const receiptPartition = (study: string, shard: number) => `REQ#${study}#${shard}`;
/** @param owner the study whose receipt it is, or the team (`receiptsOfTeam`); none in receipts of older versions. */
export const receiptKey = (id: string, owner?: string): Key =>
  owner === undefined
    ? { pk: `REQ#${id}`, sk: "REQ" }
    : { pk: receiptPartition(owner, (id.codePointAt(0) ?? 0) % RECEIPT_SHARDS), sk: id };
/** What belongs to a team, and the receipt of a deletion, which outlives its study. No study has such an id. */
export const receiptsOfTeam = (team: string): string => `team/${team}`;
export const receiptPartitions = (owner: string): string[] =>
  Array.from({ length: RECEIPT_SHARDS }, (_, shard) => receiptPartition(owner, shard));

/**
 * What the reconciler must visit: studies that have jobs, are being deleted, may be listed out of date, or register a definition, and
 * sweeps of which something is still to be done.
 */
export const RECONCILED_PARTITION = "OPEN";
export const activeBatchKey = (study: string): Key => ({ pk: RECONCILED_PARTITION, sk: `BATCH#${study}` });
export const ACTIVE_BATCH_PREFIX = "BATCH#";
export const deletionKey = (study: string): Key => ({ pk: RECONCILED_PARTITION, sk: `DELETION#${study}` });
export const DELETION_PREFIX = "DELETION#";
export const teamDeletionKey = (team: string): Key => ({
  pk: RECONCILED_PARTITION,
  sk: `${TEAM_DELETION_PREFIX}${team}`,
});
export const TEAM_DELETION_PREFIX = "TEAM-DELETION#";
export const outdatedKey = (study: string): Key => ({ pk: RECONCILED_PARTITION, sk: `LISTING#${study}` });
export const OUTDATED_PREFIX = "LISTING#";
export const registrationKey = (study: string): Key => ({
  pk: RECONCILED_PARTITION,
  sk: `REGISTRATION#${study}`,
});
export const REGISTRATION_PREFIX = "REGISTRATION#";
/** A sweep of which something is still to be done. */
export const sweepNoteKey = (sweep: string): Key => ({
  pk: RECONCILED_PARTITION,
  sk: `${SWEEP_NOTE_PREFIX}${sweep}`,
});
export const SWEEP_NOTE_PREFIX = "SWEEP#";
/** Turns all dispatching of the deployment off and on. */
export const switchKey: Key = { pk: RECONCILED_PARTITION, sk: "SWITCH" };
