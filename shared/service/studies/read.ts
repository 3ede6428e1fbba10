import type { Study } from "../../schemas/study.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { describe } from "../core/describe.ts";
import { listIfDue, listSnapshot } from "../core/listing.ts";
import { findSnapshot, readSnapshot } from "../core/snapshot.ts";
import { endExpired } from "../trials/expire.ts";

/** The study with its progress and best trials; ends trials whose last lease has expired. */
export const readStudy = async (deps: ServiceDeps, study: LoadedStudy): Promise<Study> => {
  const asOf = deps.clock();
  const snapshot = await endExpired(deps, await readSnapshot(deps, study));
  const shown = await describe(deps, snapshot);
  await listIfDue(deps, snapshot, asOf);
  return shown;
};

/** Ends what has expired and refreshes the listing, for nobody in particular. @returns null when the study is gone. */
export const bringUpToDate = async (deps: ServiceDeps, study: LoadedStudy): Promise<Snapshot | null> => {
  const asOf = deps.clock();
  const found = await findSnapshot(deps, study);
  if (found === null) return null;
  const snapshot = await endExpired(deps, found);
  await listSnapshot(deps, snapshot, asOf);
  return snapshot;
};
