import { ID } from "../../patterns.ts";
import type { PageQuery, StudyPage } from "../../schemas/study.ts";
import { readListings } from "../../store/listing.ts";
import { timestamp } from "../../study/view.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps } from "../core/deps.ts";

const PAGE = 100;

/**
 * A page of the team's studies, in order of their ids.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const listStudies = async (
  { store }: Pick<ServiceDeps, "store">,
  team: string,
  { cursor, limit = PAGE }: PageQuery,
): Promise<StudyPage> => {
  const cursors = cursorsOf(`studies of ${team}`, ID);
  const listings = await readListings(store, team, cursors.read(cursor) ?? "", limit);
  const last = listings.at(-1);
  return {
    studies: listings.map((listing) => ({ ...listing, created: timestamp(listing.created) })),
    cursor: listings.length < limit || last === undefined ? null : cursors.write(last.study),
  };
};
