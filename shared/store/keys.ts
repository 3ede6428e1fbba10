import { ID } from "../patterns.ts";

/**
 * Every key of the one table; nobody else spells a key.
 *
 * A study's partition in the order of its sort keys: `A#HEAD` (small, changed by every ask), `A#HINT` (what its algorithm
 * keeps because recomputing it is expensive), `B#TRIAL#<n>` (a trial
 * from its proposal or import until it is folded), `S#SEG#<k>` (folded trials), `Z#SPEC` (what the client asked for, never
 * changed). One Query of what lies below `C` reads all that an ask needs.
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

const padded = (n: number, width: number) => String(n).padStart(width, "0");

export const studyPartition = (study: string) => `STUDY#${study}`;
export const headKey = (study: string): Key => ({ pk: studyPartition(study), sk: "A#HEAD" });
export const hintKey = (study: string): Key => ({ pk: studyPartition(study), sk: "A#HINT" });
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
/** What a team created in one minute; deleted soon after. */
export const teamMinuteKey = (team: string, minute: number): Key => ({
  pk: teamPartition(team),
  sk: `MINUTE#${minute}`,
});
/** Listings in the order of what is listed: the newest study first. */
export const LISTING_PREFIX = "LISTED#";
/** Beyond any time in milliseconds since 1970 that there will be. */
const END_OF_TIME = 10 ** 15;
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

/** Receipts of a study lie in this many partitions, so that they share no partition's writes and its deletion finds them. */
const RECEIPT_SHARDS = 16;
const receiptPartition = (study: string, shard: number) => `REQ#${study}#${shard}`;
/** @param study whose receipt it is; none for what belongs to a team, and for a deletion, whose receipt outlives its study. */
export const receiptKey = (id: string, study?: string): Key =>
  study === undefined
    ? { pk: `REQ#${id}`, sk: "REQ" }
    : { pk: receiptPartition(study, (id.codePointAt(0) ?? 0) % RECEIPT_SHARDS), sk: id };
export const receiptPartitions = (study: string): string[] =>
  Array.from({ length: RECEIPT_SHARDS }, (_, shard) => receiptPartition(study, shard));

/** What the reconciler must visit: studies that have jobs, are being deleted, may be listed out of date, or register a definition. */
export const RECONCILED_PARTITION = "OPEN";
export const activeBatchKey = (study: string): Key => ({ pk: RECONCILED_PARTITION, sk: `BATCH#${study}` });
export const ACTIVE_BATCH_PREFIX = "BATCH#";
export const deletionKey = (study: string): Key => ({ pk: RECONCILED_PARTITION, sk: `DELETION#${study}` });
export const DELETION_PREFIX = "DELETION#";
export const outdatedKey = (study: string): Key => ({ pk: RECONCILED_PARTITION, sk: `LISTING#${study}` });
export const OUTDATED_PREFIX = "LISTING#";
export const registrationKey = (study: string): Key => ({
  pk: RECONCILED_PARTITION,
  sk: `REGISTRATION#${study}`,
});
export const REGISTRATION_PREFIX = "REGISTRATION#";
/** Turns all dispatching of the deployment off and on. */
export const switchKey: Key = { pk: RECONCILED_PARTITION, sk: "SWITCH" };
