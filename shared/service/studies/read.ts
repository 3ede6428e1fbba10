import type { Study } from "../../schemas/study.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { listIfDue, listSnapshot } from "../core/listing.ts";
import { describeWhole, partsIn } from "../core/parts.ts";
import { findSnapshot, readSnapshot } from "../core/snapshot.ts";
import { endExpired } from "../trials/expire.ts";

/** The study with its progress and best trials; ends trials whose last lease has expired. */
export const readStudy = async (deps: ServiceDeps, study: LoadedStudy): Promise<Study> => {
  const asOf = deps.clock();
  const snapshot = await endExpired(deps, await readSnapshot(deps, study));
  const shown = await describeWhole(deps, snapshot, (part) => endExpired(deps, part));
  await listIfDue(deps, snapshot, asOf);
  return shown;
};

/** Ends what has expired and refreshes the listing, for nobody in particular. @returns null when the study is gone. */
export const bringUpToDate = async (deps: ServiceDeps, study: LoadedStudy): Promise<Snapshot | null> => {
  const asOf = deps.clock();
  const found = await findSnapshot(deps, study);
  if (found === null) return null;
  await endExpiredInParts(deps, study);
  const snapshot = await endExpired(deps, found);
  await listSnapshot(deps, snapshot, asOf);
  return snapshot;
};

/** The same as `endExpired` in all parts of nested cross-validation. */
const endExpiredInParts = async (deps: ServiceDeps, study: LoadedStudy): Promise<void> => {
  const end = async (part: LoadedStudy): Promise<void> => {
    const found = await findSnapshot(deps, part);
    if (found !== null) await endExpired(deps, found);
  };
  await Promise.all(partsIn(study).map(end));
};
