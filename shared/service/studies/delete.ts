import { StudyNotFound } from "../../errors.ts";
import { type Deletion, newDeletion } from "../../store/deletion.ts";
import { findHead, HEAD, type Head, markDeleting, markReportsSwept } from "../../store/head.ts";
import {
  activeBatchKey,
  deletionKey,
  earlierKey,
  headKey,
  listingKey,
  outdatedKey,
  specKey,
  waitKey,
} from "../../store/keys.ts";
import { listDeleting } from "../../store/listing.ts";
import { removeSegments, removeUnfolded } from "../../store/partition.ts";
import { removeReceipts } from "../../store/receipt.ts";
import { removeReports } from "../../store/report.ts";
import { removeRungs } from "../../store/rung.ts";
import { removeLadders } from "../../store/rung-table.ts";
import { uncountStudy } from "../../store/team.ts";
import { checkpointsOf } from "../../study/checkpoint.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { endRuns } from "../batch/end-runs.ts";
import { commit, updateOnce } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";
import { listedAs } from "../core/listing.ts";
import { loadStudyById } from "../core/load.ts";
import { partsIn } from "../core/parts.ts";
import { settleDeleted } from "./settle-deleted.ts";

/** Trials whose items, or reports, one pass deletes: about a second of work. */
const PASS = 500;
/** Trials whose reports are deleted at the same time, and objects. */
const WIDTH = 16;
/** Jobs ended while the caller waits. */
const JOBS_AT_ONCE = 100;
/** No request lives longer (infra/core-stack.ts): after that nobody is left who read the study before its deletion. */
export const SETTLED_MS = 60_000;

/**
 * Deletes a study: marks it, and from then on every read and write of it answers that there is no such study, in processes
 * too that still know it, because each of them reads the head. The reconciler deletes what is left; running jobs, which cost
 * money, are ended at once.
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
    const now = deps.clock();
    return {
      changes: [
        markDeleting(study.id),
        ...partsIn(study).map(({ id }) => markDeleting(id)),
        ...listDeleting(listedAs(study), now),
        newDeletion({ study: study.id, team: study.team, created: study.spec.created, at: now }),
        uncountStudy(study.team),
      ],
      answer: null,
      refusals: { [HEAD]: () => new StudyNotFound(study.id) },
    };
  });
  await followUp(deps, study.id, async () => {
    await endRuns(deps, study.id, JOBS_AT_ONCE);
  });
};

/**
 * How far a deletion is: more passes are needed; nothing is left but what says that the study is being deleted, which stays
 * until `SETTLED_MS` after the request; nothing at all is left.
 */
export type Progress = "unfinished" | "settling" | "gone";

/**
 * Deletes what is left of a study, as much as one pass allows. The order is what makes it complete while others still write.
 * The mark has raised the head's revision, so no trial, segment or rung can be added. Trials go first, and a tell or report,
 * which change their trial on a condition, fail from then on; so whatever they write in the same transaction can be deleted
 * after it, once and for all. A hint, a report after the change of its trial, or the receipt of a repeated tell, is written
 * without a condition on the study: those of requests that began before the mark are deleted when these have ended. Head, spec
 * and the deletion itself go last: until then each pass can be repeated.
 */
export const continueDeletion = async (deps: ServiceDeps, deletion: Deletion): Promise<Progress> => {
  const { study, team, created, at } = deletion;
  const { store, warm } = deps;
  const parts = await removeParts(deps, deletion);
  if (parts !== "gone") return parts;
  warm.studies.delete(study);
  const head = await findHead(store, study);
  if (!(await settleDeleted(deps, deletion))) return "unfinished";
  if (!(await removeUnfolded(store, study, PASS))) return "unfinished";
  if (head !== null) await removeSegments(store, head);
  if (!(await removeCheckpoints(deps, deletion))) return "unfinished";
  await removeRungs(store, study);
  await removeLadders(store, study);
  await removeReceipts(store, study);
  if (deps.clock() < at + SETTLED_MS) return "settling";
  if (head !== null && !(await sweepReports(deps, head))) return "unfinished";
  await store.removeAll([
    ...(created === null ? [] : [listingKey(team, created, study)]),
    outdatedKey(study),
    activeBatchKey(study),
    waitKey(study),
    earlierKey(study),
    specKey(study),
    headKey(study),
  ]);
  // What leads the reconciler here goes when all else is known to be gone: a batch of deletions may be carried out in part.
  await store.removeAll([deletionKey(study)]);
  return "gone";
};

/** The parts of a nested cross-validation go first: its spec leads to them. */
const removeParts = async (deps: ServiceDeps, { study: id, team, at }: Deletion): Promise<Progress> => {
  const study = await loadStudyById(deps, id);
  let settling = false;
  for (const part of study === null ? [] : partsIn(study)) {
    const progress = await continueDeletion(deps, { study: part.id, team, created: null, at });
    if (progress === "unfinished") return progress;
    settling ||= progress === "settling";
  }
  return settling ? "settling" : "gone";
};

/** Deletes some of a study's checkpoints. @returns whether there were none. */
const removeCheckpoints = async (
  { checkpoints }: ServiceDeps,
  { team, study }: Deletion,
): Promise<boolean> => {
  const keys = await checkpoints.list(checkpointsOf({ team, id: study }), "");
  for (let i = 0; i < keys.length; i += WIDTH) {
    await Promise.all(keys.slice(i, i + WIDTH).map((key) => checkpoints.remove(key)));
  }
  return keys.length === 0;
};

/** Deletes reports of a study's trials, and remembers in the head how far it came. @returns whether all are deleted. */
const sweepReports = async (deps: ServiceDeps, { study, sweptReports, next }: Head): Promise<boolean> => {
  const end = Math.min(next, sweptReports + PASS);
  for (let from = sweptReports; from < end; from += WIDTH) {
    const numbers = Array.from({ length: Math.min(WIDTH, end - from) }, (_, i) => from + i);
    await Promise.all(numbers.map((number) => removeReports(deps.store, study, number)));
  }
  if (end > sweptReports) await updateOnce(deps, markReportsSwept(study, end));
  return end === next;
};
