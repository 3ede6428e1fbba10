import type { CreateStudyBody } from "../schemas/study.ts";
import type { Schedule } from "../sweep/definition.ts";
import type { Overlap } from "../sweep/overlap.ts";
import { toJson } from "./json.ts";
import {
  RECONCILED_PARTITION,
  SWEEP_LISTING_PREFIX,
  SWEEP_NOTE_PREFIX,
  sweepKey,
  sweepListingKey,
  sweepNoteKey,
  teamPartition,
} from "./keys.ts";
import type { Change, Item, Store } from "./store.ts";

/**
 * A sweep: what its firings are made of, when it fires, and how far it is. Every change is made on the revision that was read, so
 * firings, changes and the deletion of one sweep come one after the other.
 */
export interface SweepItem {
  readonly sweep: string;
  readonly team: string;
  readonly name: string;
  readonly state: "active" | "paused" | "deleting";
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Raised by every change. */
  readonly rev: number;
  readonly schedule: Schedule;
  readonly overlap: Overlap;
  readonly template: CreateStudyBody;
  /** From how many earlier firings a study begins warm; 0: from none. */
  readonly warmStart: number;
  /** How many firings keep their studies; 0: all. */
  readonly keep: number;
  /** Raised by every change of when it fires. */
  readonly revision: number;
  /** When that was, milliseconds since 1970. */
  readonly since: number;
  /** Whether EventBridge Scheduler has been told of that revision. */
  readonly synced: boolean;
  /** The study that was created last, or "". */
  readonly current: string;
  /** When the firing was due that waits for it to finish; null: none waits. */
  readonly queued: { readonly scheduled: number; readonly manual: boolean } | null;
  /** The studies that the current one replaces, until they are stopped. */
  readonly stops: readonly string[];
  /** Firings so far. */
  readonly count: number;
}

export type SweepPatch = Partial<Omit<SweepItem, "sweep" | "team" | "created" | "rev">>;

/** The name under which changes of a sweep fail. */
export const SWEEP = "sweep";

const written = ({ schedule, template, queued, stops, ...plain }: SweepPatch): Item => ({
  ...plain,
  ...(schedule !== undefined && { schedule: JSON.stringify(schedule) }),
  ...(template !== undefined && { template: toJson(template) }),
  ...(queued !== undefined && { queued: queued === null ? "" : JSON.stringify(queued) }),
  ...(stops !== undefined && { stops: JSON.stringify(stops) }),
});

/** A sweep that did not exist, and its listing. */
export const newSweep = ({ sweep, ...fields }: SweepItem): Change[] => [
  {
    name: SWEEP,
    key: sweepKey(sweep),
    put: { team: fields.team, created: fields.created, rev: fields.rev, ...written(fields) },
    when: { expression: "attribute_not_exists(pk)" },
  },
  { name: "sweep-listing", key: sweepListingKey(fields.team, fields.created, sweep), put: {} },
];

/** A change on the revision that was read; fails under the name SWEEP when another one came first. */
export const changeSweep = ({ sweep, rev }: Pick<SweepItem, "sweep" | "rev">, patch: SweepPatch): Change => ({
  name: SWEEP,
  key: sweepKey(sweep),
  update: { set: { ...written(patch), rev: rev + 1 } },
  when: { expression: "#rev = :rev", values: { rev } },
});

/** EventBridge Scheduler has been told of that revision; fails under the name SWEEP when there is another. */
export const markSynced = ({ sweep, revision }: Pick<SweepItem, "sweep" | "revision">): Change => ({
  name: SWEEP,
  key: sweepKey(sweep),
  update: { set: { synced: true }, add: { rev: 1 } },
  when: { expression: "#revision = :revision", values: { revision } },
});

const readSweepItem = (sweep: string, item: Item): SweepItem => {
  const fields = item as unknown as Omit<SweepItem, "schedule" | "template" | "queued" | "stops" | "sweep">;
  return {
    sweep,
    team: fields.team,
    name: fields.name,
    state: fields.state,
    created: fields.created,
    rev: fields.rev,
    schedule: JSON.parse(String(item.schedule)) as Schedule,
    overlap: fields.overlap,
    template: JSON.parse(String(item.template)) as CreateStudyBody,
    warmStart: fields.warmStart,
    keep: fields.keep,
    revision: fields.revision,
    since: fields.since,
    synced: fields.synced,
    current: fields.current,
    queued: item.queued === "" ? null : (JSON.parse(String(item.queued)) as SweepItem["queued"]),
    stops: JSON.parse(String(item.stops)) as string[],
    count: fields.count,
  };
};

/** A sweep of whatever team, also one that is being deleted. */
export const findSweep = async (store: Store, sweep: string): Promise<SweepItem | null> => {
  const item = await store.get(sweepKey(sweep));
  return item === null ? null : readSweepItem(sweep, item);
};

/** Where a sweep is listed. */
export interface SweepListing {
  readonly sweep: string;
  /** Milliseconds since 1970, and the id: what its place is made of. */
  readonly place: string;
}

/** The team's sweeps, the newest first, from after a place on. */
export const readSweepListings = async (
  store: Store,
  team: string,
  after: string,
  limit: number,
): Promise<SweepListing[]> => {
  const items = await store.list(teamPartition(team), SWEEP_LISTING_PREFIX, after, limit);
  return items.map(({ sk }) => {
    const place = String(sk).slice(SWEEP_LISTING_PREFIX.length);
    return { place, sweep: place.slice(place.indexOf("#") + 1) };
  });
};

/** It is deleted: no list shows it any more. */
export const unlistSweep = ({
  sweep,
  team,
  created,
}: Pick<SweepItem, "sweep" | "team" | "created">): Change => ({
  name: "sweep-listing",
  key: sweepListingKey(team, created, sweep),
  remove: true,
});

/** One small item per sweep of which something is still to be done, until it is. */
export interface SweepNote {
  readonly sweep: string;
  readonly team: string;
  /** The sweep's revision after the change that left something to do. */
  readonly rev: number;
  /** When that was, milliseconds since 1970. */
  readonly at: number;
}

/** A change of a sweep, made on the revision that was read, leaves something to do. */
export const noteSweep = (
  { sweep, team, rev }: Pick<SweepItem, "sweep" | "team" | "rev">,
  at: number,
): Change => ({
  name: "sweep-note",
  key: sweepNoteKey(sweep),
  put: { team, rev: rev + 1, at },
});

/** Nothing is left to do; fails under the name "sweep-note" when something more has begun. */
export const clearNote = ({ sweep, rev }: SweepNote): Change => ({
  name: "sweep-note",
  key: sweepNoteKey(sweep),
  remove: true,
  when: { expression: "#rev = :rev", values: { rev } },
});

const readNote = (sweep: string, { team, rev, at }: Item): SweepNote => ({
  sweep,
  team: String(team),
  rev: Number(rev),
  at: Number(at),
});

export const findNote = async (store: Store, sweep: string): Promise<SweepNote | null> => {
  const item = await store.get(sweepNoteKey(sweep));
  return item === null ? null : readNote(sweep, item);
};

/** Sweeps of which something is still to be done. */
export const listNotes = async (store: Store): Promise<SweepNote[]> => {
  const items = await store.list(RECONCILED_PARTITION, SWEEP_NOTE_PREFIX);
  return items.map((item) => readNote(String(item.sk).slice(SWEEP_NOTE_PREFIX.length), item));
};

/** The last of a sweep that is being deleted. */
export const removeSweep = (sweep: string): Change[] => [
  { name: SWEEP, key: sweepKey(sweep), remove: true },
  { name: "sweep-note", key: sweepNoteKey(sweep), remove: true },
];
