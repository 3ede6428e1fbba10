import { StudyNotFound } from "../../errors.ts";
import { newDeletion } from "../../store/deletion.ts";
import { findHead, HEAD, markDeleting, markReportsSwept } from "../../store/head.ts";
import { activeBatchKey, deletionKey, headKey, specKey } from "../../store/keys.ts";
import { removeListing } from "../../store/listing.ts";
import { removeStudyItems } from "../../store/partition.ts";
import { removeReports } from "../../store/report.ts";
import { removeRungs } from "../../store/rung.ts";
import { uncountStudy } from "../../store/team.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { endRuns } from "../batch/end-runs.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";

/** Items that one pass deletes: about two seconds of work; the reconciler goes on with the rest. */
const PASS = 2000;
/** Jobs ended while the caller waits. */
const JOBS_AT_ONCE = 100;

/**
 * Deletes a study. It is gone for every caller at once; its items follow, in passes that may be repeated.
 * @throws StudyNotFound
 */
export const deleteStudy = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  write: WriteContext,
): Promise<void> => {
  await commit(deps, write, async () => {
    const head = await findHead(deps.store, study.id);
    if (head === null || head.state === "deleting") throw new StudyNotFound(study.id);
    return {
      changes: [
        markDeleting(study.id),
        removeListing(study.team, study.id),
        newDeletion(study.id, study.team),
        uncountStudy(study.team),
      ],
      answer: null,
      refusals: { [HEAD]: () => new StudyNotFound(study.id) },
    };
  });
  await followUp(deps, study.id, async () => {
    // Jobs first, because their ids are deleted with the trials. What cannot be ended now the reconciler ends.
    if (await endRuns(deps, study.id, JOBS_AT_ONCE)) await continueDeletion(deps, study.id);
  });
};

/** Deletes what is left of a study, as much as one pass allows. @returns whether nothing is left. */
export const continueDeletion = async (deps: ServiceDeps, study: string): Promise<boolean> => {
  const { store, warm } = deps;
  warm.studies.delete(study);
  const head = await findHead(store, study);
  let deleted = 0;
  for (let number = head?.sweptReports ?? 0; number < (head?.next ?? 0); number++) {
    deleted += (await removeReports(store, study, number)) + 1;
    if (deleted < PASS) continue;
    await store.update(markReportsSwept(study, number + 1));
    return false;
  }
  // Head and spec go last: until then the pass can be repeated.
  const { isEmpty } = await removeStudyItems(store, study, PASS);
  if (!isEmpty) return false;
  await removeRungs(store, study);
  await store.removeAll([activeBatchKey(study), specKey(study), headKey(study), deletionKey(study)]);
  return true;
};
