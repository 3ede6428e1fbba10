import type { PageQuery, StudyPage } from "../../schemas/study.ts";
import { readListings } from "../../store/listing.ts";
import { timestamp } from "../../study/view.ts";
import type { ServiceDeps } from "../core/deps.ts";

const PAGE = 100;

/** A page of the team's studies, in order of their ids. */
export const listStudies = async (
  { store }: Pick<ServiceDeps, "store">,
  team: string,
  { cursor = "", limit = PAGE }: PageQuery,
): Promise<StudyPage> => {
  const listings = await readListings(store, team, cursor, limit);
  return {
    studies: listings.map((listing) => ({ ...listing, created: timestamp(listing.created) })),
    cursor: listings.length < limit ? null : (listings.at(-1)?.study ?? null),
  };
};
