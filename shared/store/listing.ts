import type { StudyState, TrialCounts } from "../schemas/study.ts";
import type { FiniteValues } from "../values.ts";
import {
  LISTING_PREFIX,
  listingKey,
  OUTDATED_PREFIX,
  outdatedKey,
  RECONCILED_PARTITION,
  TEAM_STUDY_PREFIX,
  teamPartition,
  teamStudyKey,
} from "./keys.ts";
import { type Change, ConditionFailed, type Item, type Store, type Update } from "./store.ts";

/**
 * One small item per study in its team's partition: what a list of studies shows, so that a page of them is one Query. It is
 * refreshed by whoever reads the study, and in a bounded time by the reconciler: a second item, written at most once a minute
 * by each process that changes the study, says that the listing may be out of date.
 */

/** Which study, and where its listing lies. */
export interface Listed {
  readonly study: string;
  readonly team: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** What is known of the study's progress. */
export interface Summary {
  readonly trials: TrialCounts;
  /** How many trials its budget allows. */
  readonly budget: number;
  /** The best trial of a single objective with the value of that objective, or null. */
  readonly best: { readonly number: number; readonly values: FiniteValues } | null;
}

export interface Listing extends Listed {
  /** Null in a listing of an older version. */
  readonly state: StudyState | null;
  readonly summary: Summary | null;
  /** When the study was read for it, milliseconds since 1970. */
  readonly asOf: number;
}

const written = ({ name, created, state, summary, asOf }: Omit<Listing, "study" | "team">): Item => ({
  name,
  created,
  asOf,
  ...(state !== null && { state }),
  ...(summary !== null && { summary: JSON.stringify(summary) }),
});

export const newListing = (listing: Listing): Change => ({
  name: "listing",
  key: listingKey(listing.team, listing.created, listing.study),
  put: written(listing),
});

/** Fails under the name "listing" when a newer reading is listed, or the study is being deleted, or gone. */
export const refreshListing = (listing: Listing): Change & { update: Update } => ({
  name: "listing",
  key: listingKey(listing.team, listing.created, listing.study),
  update: { set: written(listing) },
  when: {
    expression:
      "attribute_exists(pk) AND (attribute_not_exists(#state) OR #state <> :deleting) AND #asOf <= :asOf",
    values: { deleting: "deleting", asOf: listing.asOf },
  },
});

/** The study is being deleted: its listing says so until nothing of it is left. */
export const listDeleting = ({ study, team, name, created }: Listed, now: number): Change[] => [
  {
    name: "listing",
    key: listingKey(team, created, study),
    update: { set: { name, created, state: "deleting", asOf: now } },
  },
  { name: "listing", key: teamStudyKey(team, study), remove: true },
];

const readListing = (team: string, study: string, item: Item): Listing => ({
  study,
  team,
  name: String(item.name),
  created: Number(item.created),
  state: typeof item.summary === "string" || item.state === "deleting" ? (item.state as StudyState) : null,
  summary: typeof item.summary === "string" ? (JSON.parse(item.summary) as Summary) : null,
  asOf: Number(item.asOf ?? 0),
});

/** The team's studies, newest first, from after a place on. */
export const readListings = async (
  store: Store,
  team: string,
  after: string,
  limit: number,
): Promise<Listing[]> => {
  const items = await store.list(teamPartition(team), LISTING_PREFIX, after, limit);
  return items.map((item) => readListing(team, String(item.sk).slice(LISTING_PREFIX.length + 16), item));
};

/** How a study is listed; null when it is not: nothing of it is left. */
export const findListing = async (
  store: Store,
  { team, created, study }: Pick<Listed, "team" | "created" | "study">,
): Promise<Listing | null> => {
  const item = await store.get(listingKey(team, created, study));
  return item === null ? null : readListing(team, study, item);
};

/** Listings that one transaction moves: each is a put and a removal. */
const MOVED_AT_ONCE = 50;

/** Moves the listings of an older version, once, to where they are in order. */
export const moveOldListings = async (store: Store, team: string): Promise<void> => {
  for (;;) {
    const items = await store.list(teamPartition(team), TEAM_STUDY_PREFIX, "", MOVED_AT_ONCE);
    if (items.length === 0) return;
    const changes = items.flatMap((item): Change[] => {
      const study = String(item.sk).slice(TEAM_STUDY_PREFIX.length);
      const listing = { ...readListing(team, study, item), state: null, summary: null };
      return [
        newListing(listing),
        {
          name: "old-listing",
          key: teamStudyKey(team, study),
          remove: true,
          when: { expression: "attribute_exists(pk)" },
        },
      ];
    });
    try {
      await store.transact(changes);
    } catch (error) {
      // Another process has moved some, and they may have been refreshed or deleted since.
      if (!(error instanceof ConditionFailed)) throw error;
      continue;
    }
    if (items.length < MOVED_AT_ONCE) return;
  }
};

/** The study is about to be changed, so what is listed may soon be out of date. */
export const noteOutdated = (study: string, at: number): Change & { update: Update } => ({
  name: "outdated",
  key: outdatedKey(study),
  update: { set: { at } },
});

/** The listing is fresh; fails under the name "outdated" when the study was noted again. */
export const clearOutdated = ({ study, at }: Outdated): Change => ({
  name: "outdated",
  key: outdatedKey(study),
  remove: true,
  when: { expression: "#at = :at", values: { at } },
});

export interface Outdated {
  readonly study: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Studies whose listing may be out of date. */
export const listOutdated = async (store: Store): Promise<Outdated[]> => {
  const items = await store.list(RECONCILED_PARTITION, OUTDATED_PREFIX);
  return items.map((item) => ({ study: String(item.sk).slice(OUTDATED_PREFIX.length), at: Number(item.at) }));
};
