import { auditKey, auditPartition, auditTime, type Key, monthOf, teamKey, teamPartition } from "./keys.ts";
import type { Change, Item, Store } from "./store.ts";

/**
 * The audit trail of a team: a line for every write that a person or a program asked for, stored in the transaction that makes the
 * change, so that there is no change without its line and no line without its change. A line holds ids and names of fields, never a text that a
 * client wrote: no secret, environment, command or parameter.
 */

/** Who asked for a change. */
export interface Who {
  /** `admin`: somebody with the deployment's AWS credentials. */
  readonly kind: "token" | "iam" | "job" | "admin" | "nobody";
  /** Id of the token, ARN of the IAM principal, or the trial and attempt of the job. */
  readonly id: string;
  /** The person whom the token belongs to. */
  readonly member?: string;
}

/** What is known of an audited request before it is planned. */
export interface Audit {
  readonly team: string;
  readonly who: Who;
  /** Name of the route, or of the command. */
  readonly route: string;
  readonly requestId: string;
  /** The address it came from, as API Gateway saw it. */
  readonly address: string | null;
  /** What the path names, as `study/<id>`. */
  readonly targets: readonly string[];
  /** The fields that the body gives, with the values of those that are no text of the client's. */
  readonly fields: readonly string[];
  /** Days that the line is kept. */
  readonly days: number;
}

export interface AuditLine extends Omit<Audit, "team" | "days"> {
  /** Milliseconds since 1970, by the service's clock. */
  readonly at: number;
}

/** Targets that a line names; a list of trials is one study. */
const MOST_TARGETS = 20;
const DAY_SECONDS = 24 * 3600;

/** @param changes what is written together with the line: what they create is a target, too. */
export const newAuditLine = (
  { team, days, targets, ...audit }: Audit,
  changes: readonly Change[],
  at: number,
): Change => {
  const named = new Set([...targets, ...changes.flatMap(({ key }) => targetOf(team, key))]);
  const line: AuditLine = { ...audit, at, targets: [...named].slice(0, MOST_TARGETS) };
  return {
    name: "audit",
    key: auditKey(team, at, audit.requestId),
    put: { line: JSON.stringify(line), ttl: Math.floor(at / 1000) + days * DAY_SECONDS },
  };
};

/** Items of a team that say nothing of what was changed: counters, and lists of what has an item of its own. */
const UNTOLD = new Set(["TEAM", "MINUTE", "LISTED", "STUDY", "SPEND", "CLOSED", "SWEEPS"]);

/** What an item belongs to: any kind of item in a team's partition whose sort key is `KIND#<id>`, studies and sweeps. */
const targetOf = (team: string, { pk, sk }: Key): string[] => {
  if (pk.startsWith("STUDY#")) return [`study/${pk.slice("STUDY#".length).replace(/\.\d+$/, "")}`];
  if (pk.startsWith("SWEEP#")) return [`sweep/${pk.slice("SWEEP#".length)}`];
  if (pk !== teamPartition(team)) return [];
  const [kind = "", ...id] = sk.split("#");
  if (UNTOLD.has(kind)) return [];
  return [[kind.toLowerCase(), ...id].join("/")];
};

/** Deletes the trail of a team: of all the months since the team was created. */
export const removeAuditTrail = async (store: Store, team: string, now: number): Promise<void> => {
  const created = Number((await store.get(teamKey(team)))?.created ?? now);
  // A clock that is ahead may have written a line of the month after this one.
  for (let at = created; at <= now + 32 * DAY_SECONDS * 1000; at += 28 * DAY_SECONDS * 1000) {
    await store.removePartition(auditPartition(team, monthOf(at)));
  }
};

/** A line and its place among those of its month. */
export interface PlacedLine {
  readonly line: AuditLine;
  readonly place: string;
}

/**
 * Lines of a team in one month, the newest first.
 * @param from the earliest, and `to` the latest time, milliseconds since 1970.
 * @param after the place of the last one that is known, or "".
 * @param now lines past their time, which DynamoDB deletes late, are left out.
 * @returns what was found among the next `limit` lines; `next` is where to go on, or null at the end.
 */
export const readAuditLines = async (
  store: Store,
  team: string,
  month: string,
  { from, to, after, limit, now }: AuditRange,
): Promise<{ readonly lines: readonly PlacedLine[]; readonly next: string | null }> => {
  const first = after === "" ? auditTime(to) : `${after}\u0000`;
  // Later than the earliest time that a key can hold.
  const end = `${auditTime(Math.max(from, 1))}\uffff`;
  if (first > end) return { lines: [], next: null };
  const items = await store.query(auditPartition(team, month), first, end, limit);
  const last = items.at(-1);
  return {
    lines: items.filter((item) => Number(item.ttl) * 1000 > now).map(placed),
    next: items.length < limit || last === undefined ? null : String(last.sk),
  };
};

export interface AuditRange {
  readonly from: number;
  readonly to: number;
  readonly after: string;
  readonly limit: number;
  readonly now: number;
}

const placed = (item: Item): PlacedLine => ({
  line: JSON.parse(String(item.line)) as AuditLine,
  place: String(item.sk),
});
