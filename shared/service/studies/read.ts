import type { Study } from "../../schemas/study.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { describe } from "../core/describe.ts";
import { relist, relistIfDue } from "../core/listing.ts";
import { findSnapshot, readSnapshot } from "../core/snapshot.ts";
import { endExpired } from "../trials/expire.ts";

/** The study with its progress and best trials; ends trials whose last lease has expired. */
export const readStudy = async (deps: ServiceDeps, study: LoadedStudy): Promise<Study> => {
  const shown = await describe(deps, await endExpired(deps, await readSnapshot(deps, study)));
  await relistIfDue(deps, study, shown.state);
  return shown;
};

/** Ends what has expired and refreshes the listing, for nobody in particular. @returns null when the study is gone. */
export const bringUpToDate = async (deps: ServiceDeps, study: LoadedStudy): Promise<Snapshot | null> => {
  const found = await findSnapshot(deps, study);
  if (found === null) return null;
  const snapshot = await endExpired(deps, found);
  await relist(deps, study);
  return snapshot;
};
