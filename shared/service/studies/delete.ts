import { StudyNotFound } from "../../errors.ts";
import { readHead } from "../../store/head.ts";
import {
  headKey,
  openBatchKey,
  openDeletionKey,
  specKey,
  studyPartition,
  teamStudyKey,
  trialPartition,
} from "../../store/keys.ts";
import { RECEIPT } from "../../store/receipt.ts";
import { removeRungs } from "../../store/rung.ts";
import { ConditionFailed, type Item } from "../../store/store.ts";
import { uncountStudy } from "../../store/team.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { endRuns } from "../batch/end-runs.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { once } from "../core/once.ts";

/** Items one pass deletes: about two seconds of work; the reconciler goes on with the rest. */
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
  await once(deps, write, async (acknowledge) => {
    const item = await deps.store.get(headKey(study.id));
    if (item === null || readHead(study.id, item).state === "deleting") throw new StudyNotFound(study.id);
    try {
      await deps.store.transact([
        {
          name: "head",
          key: headKey(study.id),
          update: { set: { state: "deleting", started: false }, add: { rev: 1 } },
          when: {
            expression: "attribute_exists(pk) AND #state <> :deleting",
            values: { deleting: "deleting" },
          },
        },
        { name: "listing", key: teamStudyKey(study.team, study.id), remove: true },
        { name: "deletion", key: openDeletionKey(study.id), put: { team: study.team } },
        ...uncountStudy(study.team),
        ...acknowledge(null),
      ]);
    } catch (error) {
      const isGone = error instanceof ConditionFailed && error.names.has("head") && !error.names.has(RECEIPT);
      throw isGone ? new StudyNotFound(study.id) : error;
    }
    return null;
  });
  // Jobs first, for their ids go with the trials. What cannot be ended now the reconciler ends.
  if (await endRuns(deps, study.id, JOBS_AT_ONCE)) await continueDeletion(deps, study.id);
};

const keyOf = (item: Item) => ({ pk: String(item.pk), sk: String(item.sk) });

/** Deletes what is left of a study, as much as one pass allows. @returns whether nothing is left. */
export const continueDeletion = async (deps: ServiceDeps, study: string): Promise<boolean> => {
  const { store } = deps;
  store.cache.delete(`study ${study}`);
  const head = await store.get(headKey(study));
  const numbers = head === null ? 0 : readHead(study, head).next;
  const swept = head === null ? 0 : Number(head.sweptReports ?? 0);
  let deleted = 0;
  for (let n = swept; n < numbers; n++) {
    const reports = await store.query(trialPartition(study, n), " ", "~");
    await store.removeAll(reports.map(keyOf));
    deleted += reports.length + 1;
    if (deleted < PASS) continue;
    await store.update({ name: "head", key: headKey(study), update: { set: { sweptReports: n + 1 } } });
    return false;
  }
  // Head and spec go last: until then the pass can be repeated.
  const last = new Set([headKey(study).sk, specKey(study).sk]);
  const items = (await store.query(studyPartition(study), " ", "~", PASS)).filter(
    (item) => !last.has(String(item.sk)),
  );
  await store.removeAll(items.map(keyOf));
  if (items.length >= PASS - last.size) return false;
  await removeRungs(store, study);
  await store.removeAll([openBatchKey(study), specKey(study), headKey(study), openDeletionKey(study)]);
  return true;
};
