import type { StudyState } from "../../schemas/study.ts";
import { type FiringItem, readFirings } from "../../store/firing.ts";
import { firingPlace } from "../../store/keys.ts";
import { findListing, type Summary } from "../../store/listing.ts";
import type { SweepItem } from "../../store/sweep.ts";
import type { FiredStudy } from "../../sweep/retention.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { wholeState } from "../core/parts.ts";
import { bringUpToDate } from "../studies/read.ts";

/** What the study of a firing has come to. */
export interface Progress {
  readonly state: StudyState | "deleted";
  /** Null when the study was deleted by a person. */
  readonly summary: Summary | null;
}

/**
 * What the study of a firing has come to by now: as it is listed, after it was brought up to date if it is not finished.
 * @returns null for a firing without a study.
 */
export const progressOf = async (
  deps: ServiceDeps,
  team: string,
  { study: id, at, kept, gone }: FiringItem,
): Promise<Progress | null> => {
  if (id === null) return null;
  if (gone) return { state: "deleted", summary: kept };
  const place = { team, created: at, study: id };
  const listed = await findListing(deps.store, place);
  if (listed !== null && listed.state !== "finished" && listed.state !== "deleting") {
    const study = await loadStudyById(deps, id);
    if (study !== null) await bringUpToDate(deps, study);
  }
  const fresh = listed?.state === "finished" ? listed : await findListing(deps.store, place);
  if (fresh === null || fresh.state === "deleting") return { state: "deleted", summary: kept };
  return { state: fresh.state ?? "running", summary: fresh.summary };
};

/** The study that a sweep created last, while it is not finished; null when nothing of the sweep runs. */
export const runningStudy = async (
  deps: ServiceDeps,
  { current }: Pick<SweepItem, "current">,
): Promise<string | null> => {
  const study = current === "" ? null : await loadStudyById(deps, current);
  const snapshot = study === null ? null : await bringUpToDate(deps, study);
  if (snapshot === null || (await wholeState(deps, snapshot)) === "finished") return null;
  return current;
};

/** A firing with a study that its sweep has not deleted, and what that came to. */
export interface Fired extends FiredStudy {
  readonly firing: FiringItem;
  readonly state: StudyState;
  readonly summary: Summary | null;
}

/** Firings that are read at once. */
const PAGE = 50;

/** The firings of a sweep that have a study, the newest first; those whose study its sweep has deleted are left out. */
export async function* firingsWithStudies(
  { store }: Pick<ServiceDeps, "store">,
  sweep: string,
): AsyncGenerator<FiringItem> {
  let after = "";
  for (;;) {
    const page = await readFirings(store, sweep, after, PAGE);
    for (const firing of page) if (firing.study !== null && !firing.gone) yield firing;
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return;
    after = firingPlace(last.scheduled, last.manual);
  }
}

/** The same with what the study came to; null when a person has deleted it. */
export const firedOf = async (deps: ServiceDeps, team: string, firing: FiringItem): Promise<Fired | null> => {
  const progress = await progressOf(deps, team, firing);
  if (progress === null || progress.state === "deleted") return null;
  return {
    firing,
    state: progress.state,
    summary: progress.summary,
    study: firing.study ?? "",
    isFinished: progress.state === "finished",
    completed: progress.summary?.trials.completed ?? 0,
  };
};
