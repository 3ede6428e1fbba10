import { TEAM_STUDY_PREFIX, teamPartition, teamStudyKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** One small item per study in its team's partition: what a list of studies shows. */
export interface Listing {
  readonly study: string;
  readonly name: string;
  readonly state: "active" | "deleting";
  /** Milliseconds since 1970. */
  readonly created: number;
}

export const newListing = (team: string, { study, name, state, created }: Listing): Change => ({
  name: "listing",
  key: teamStudyKey(team, study),
  put: { name, created, state },
});

export const removeListing = (team: string, study: string): Change => ({
  name: "listing",
  key: teamStudyKey(team, study),
  remove: true,
});

/** The team's studies in order of their ids, from after `after` on. */
export const readListings = async (
  store: Store,
  team: string,
  after: string,
  limit: number,
): Promise<Listing[]> => {
  const items = await store.list(teamPartition(team), TEAM_STUDY_PREFIX, after, limit);
  return items.map((item) => ({
    study: String(item.sk).slice(TEAM_STUDY_PREFIX.length),
    name: String(item.name),
    state: item.state === "deleting" ? "deleting" : "active",
    created: Number(item.created),
  }));
};
