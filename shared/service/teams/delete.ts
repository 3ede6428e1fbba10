import { CHECKPOINTS } from "../../deployment.ts";
import { invalid, NotFound, StudyNotFound } from "../../errors.ts";
import { removeAuditTrail } from "../../store/audit.ts";
import { listDeletions } from "../../store/deletion.ts";
import { listingKey } from "../../store/keys.ts";
import { type Listing, moveOldListings, readListings } from "../../store/listing.ts";
import { removeTeamReceipts } from "../../store/receipt.ts";
import { listNotes, readSweepListings } from "../../store/sweep.ts";
import { removeTeamItems } from "../../store/team.ts";
import {
  closeTeam,
  removeTeam,
  TEAM_CLOSED,
  TEAM_THERE,
  type TeamDeletion,
} from "../../store/team-deletion.ts";
import { removeTokenOwners } from "../../store/token.ts";
import { auditExportsOf } from "../../study/exports.ts";
import { type CommitDeps, commit } from "../core/commit.ts";
import { noRequest, type ServiceDeps, type WriteContext } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";
import { loadStudyById } from "../core/load.ts";
import { deleteStudy, type Progress, SETTLED_MS } from "../studies/delete.ts";
import { deleteSweep } from "../sweeps/delete.ts";

/** Studies whose deletion one pass begins. */
const PASS = 100;
/** The same while the caller waits. */
const AT_ONCE = 10;
/** Objects removed at the same time. */
const WIDTH = 16;

/**
 * Marks a team as deleted: from then on nothing is done for it. The reconciler removes what there is.
 * @param confirm the team's name, as a person has typed it.
 * @throws InvalidInput when that is another one; NotFound when the team does not exist or is being deleted already.
 */
export const markTeamDeleted = (
  deps: CommitDeps,
  team: string,
  confirm: string,
  write: WriteContext,
): Promise<null> => {
  if (confirm !== team) throw invalid("/confirm", { kind: "other-team", team });
  const gone = () => new NotFound({ kind: "no-team", team });
  return commit(deps, write, async () => ({
    changes: closeTeam({ team, at: deps.clock() }),
    answer: null,
    refusals: { [TEAM_CLOSED]: gone, [TEAM_THERE]: gone },
  }));
};

/** The same, and begins with the deletion of its sweeps and of its studies, whose jobs cost money. */
export const deleteTeam = async (
  deps: ServiceDeps,
  team: string,
  confirm: string,
  write: WriteContext,
): Promise<void> => {
  await markTeamDeleted(deps, team, confirm, write);
  await followUp(deps, team, async () => {
    await deleteSweeps(deps, team, AT_ONCE);
    await deleteStudies(deps, team, AT_ONCE);
  });
};

/**
 * Removes what is left of a team, as much as one pass allows; each pass can be repeated. Sweeps and studies go first, each in its own way, and with them
 * whatever writes for them without a caller. What a request that began before the mark may still put into the bucket is there when such
 * requests have ended. The mark goes last, together with the team: until then nothing can be written for it, and nobody can create another
 * team of its name.
 */
export const continueTeamDeletion = async (
  deps: ServiceDeps,
  { team, at }: TeamDeletion,
): Promise<Progress> => {
  const { store } = deps;
  const hasSweeps = !(await deleteSweeps(deps, team, PASS));
  if (!(await deleteStudies(deps, team, PASS)) || hasSweeps) return "settling";
  if (deps.clock() < at + SETTLED_MS) return "settling";
  for (const prefix of [auditExportsOf(team), `${CHECKPOINTS}${team}/`]) {
    if (!(await removeObjects(deps, prefix))) return "unfinished";
  }
  await removeAuditTrail(store, team, deps.clock());
  await removeTeamReceipts(store, team);
  await removeTokenOwners(store, team);
  await removeTeamItems(store, team);
  await store.transact(removeTeam(team));
  return "gone";
};

/** Begins the deletion of sweeps, which the sweep Lambda ends. @returns whether nothing is left of any. */
const deleteSweeps = async (deps: ServiceDeps, team: string, most: number): Promise<boolean> => {
  const listings = await readSweepListings(deps.store, team, "", most);
  for (const { sweep } of listings) {
    try {
      await deleteSweep(deps, team, sweep, noRequest);
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
    }
  }
  if (listings.length > 0) return false;
  return !(await listNotes(deps.store)).some((note) => note.team === team);
};

/** Begins the deletion of studies. @returns whether nothing is left of any. */
const deleteStudies = async (deps: ServiceDeps, team: string, most: number): Promise<boolean> => {
  await moveOldListings(deps.store, team);
  const listings = await readListings(deps.store, team, "", most);
  for (const listing of listings) await deleteListed(deps, listing);
  if (listings.length > 0) return false;
  return !(await listDeletions(deps.store)).some((deletion) => deletion.team === team);
};

const deleteListed = async (
  deps: ServiceDeps,
  { team, study: id, created, state }: Listing,
): Promise<void> => {
  if (state === "deleting") return;
  const study = await loadStudyById(deps, id);
  try {
    if (study === null) throw new StudyNotFound(id);
    await deleteStudy(deps, study, noRequest);
  } catch (error) {
    if (!(error instanceof StudyNotFound)) throw error;
    // A deletion that died at its end has left no more than this.
    await deps.store.removeAll([listingKey(team, created, id)]);
  }
};

/** Removes some objects. @returns whether there were none. */
const removeObjects = async ({ checkpoints }: ServiceDeps, prefix: string): Promise<boolean> => {
  const keys = await checkpoints.list(prefix, "");
  for (let i = 0; i < keys.length; i += WIDTH) {
    await Promise.all(keys.slice(i, i + WIDTH).map((key) => checkpoints.remove(key)));
  }
  return keys.length === 0;
};
