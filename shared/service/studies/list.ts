import type { PageQuery, StudyPage, StudySummary } from "../../schemas/study.ts";
import { LISTING_PLACE, listingPlace } from "../../store/keys.ts";
import { type Listing, moveOldListings, readListings } from "../../store/listing.ts";
import { timestamp } from "../../study/view.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { relist } from "../core/listing.ts";
import { loadStudyById } from "../core/load.ts";

const PAGE = 100;
const NO_TRIALS = { queued: 0, running: 0, paused: 0, completed: 0, pruned: 0, failed: 0 } as const;

/**
 * A page of the team's studies, newest first, as their listings say: one Query whatever they hold.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const listStudies = async (
  deps: ServiceDeps,
  team: string,
  { cursor, limit = PAGE }: PageQuery,
): Promise<StudyPage> => {
  const cursors = cursorsOf(`studies of ${team}`, LISTING_PLACE);
  const after = cursors.read(cursor) ?? "";
  if (after === "") await moveOnce(deps, team);
  const listings = await filledIn(deps, team, await readListings(deps.store, team, after, limit), {
    after,
    limit,
  });
  const last = listings.at(-1);
  return {
    studies: listings.map(toSummary),
    cursor:
      listings.length < limit || last === undefined
        ? null
        : cursors.write(listingPlace(last.created, last.study)),
  };
};

/** Once for each process and team: only an older version makes listings that are to be moved. */
const moveOnce = async ({ store, warm }: ServiceDeps, team: string): Promise<void> => {
  if (warm.moved.has(team)) return;
  await moveOldListings(store, team);
  warm.moved.set(team, true);
};

/** Listings of an older version say nothing of their studies: these are read once, and the page again. */
const filledIn = async (
  deps: ServiceDeps,
  team: string,
  listings: readonly Listing[],
  page: { readonly after: string; readonly limit: number },
): Promise<readonly Listing[]> => {
  const bare = listings.filter(({ state }) => state === null);
  if (bare.length === 0) return listings;
  for (const { study: id } of bare) {
    const study = await loadStudyById(deps, id);
    if (study !== null) await relist(deps, study);
  }
  return readListings(deps.store, team, page.after, page.limit);
};

const toSummary = ({ study, name, created, state, summary, asOf }: Listing): StudySummary => ({
  study,
  name,
  state: state ?? "deleting",
  created: timestamp(created),
  trials: summary?.trials ?? NO_TRIALS,
  budget: { trials: summary?.budget ?? 0 },
  best: summary?.best ?? null,
  asOf: timestamp(asOf),
});
