import {
  type Listed,
  type Listing,
  newListing,
  noteOutdated,
  refreshListing,
  type Summary,
} from "../../store/listing.ts";
import type { Change } from "../../store/store.ts";
import { foldsOf } from "../../study/parts.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { countTrials, shownState } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { updateOnce } from "./commit.ts";
import type { ServiceDeps } from "./deps.ts";
import { bestTrialsOf } from "./describe.ts";
import { followUp } from "./follow-up.ts";
import { countWhole, readWhole, stateOfWhole, type Whole, wholeOf } from "./parts.ts";
import { findSnapshot } from "./snapshot.ts";

/** A study whose state is as listed is not read again for its listing by the same process within this time. */
const REFRESH_MS = 10_000;
/** For this long after a note a process adds no other. */
export const NOTE_MS = 60_000;

export const listedAs = ({ id, team, spec }: LoadedStudy): Listed => ({
  study: id,
  team,
  name: spec.name,
  created: spec.created,
});

/** What a list shows of a study. @param asOf when it was read, milliseconds since 1970. */
const listingOf = async (deps: ServiceDeps, snapshot: Snapshot, asOf: number): Promise<Listing> => {
  const { nested } = snapshot.study.spec;
  if (nested !== undefined) return wholeListing(await readWhole(deps, snapshot, nested), asOf);
  return {
    ...listedAs(snapshot.study),
    state: shownState(snapshot),
    summary: await summaryOf(deps, snapshot),
    asOf,
  };
};

/** Nested cross-validation is listed with the trials of all parts: as many as each search may have, and the refits. */
const wholeListing = (whole: Whole, asOf: number): Listing => {
  const { snapshot, nested } = whole;
  const searches = whole.parts.slice(0, foldsOf(nested));
  const budget = searches.reduce((sum, { head }) => sum + head.trials, 0) + foldsOf(nested);
  const summary = { trials: countWhole(whole), budget, best: null };
  return { ...listedAs(snapshot.study), state: stateOfWhole(whole), summary, asOf };
};

const summaryOf = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Summary> => {
  const [objective, ...others] = snapshot.study.spec.objectives;
  // A Pareto set is made of all segments: too much for a list, and no single value.
  const [best] = others.length > 0 ? [] : await bestTrialsOf(deps, snapshot);
  const value = best === undefined || objective === undefined ? undefined : best.values[objective.metric];
  return {
    trials: countTrials(snapshot),
    budget: snapshot.head.trials,
    best:
      best === undefined || objective === undefined || value === undefined
        ? null
        : { number: best.number, values: { [objective.metric]: value } },
  };
};

/** The listing of a study that is created. @param parts those of nested cross-validation, which are created with it. */
export const firstListing = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  parts: readonly Snapshot[],
  now: number,
): Promise<Change> => {
  const { nested } = snapshot.study.spec;
  return newListing(
    nested === undefined
      ? await listingOf(deps, snapshot, now)
      : wholeListing(await wholeOf(deps, snapshot, nested, parts), now),
  );
};

/** Reads the study and refreshes its listing. */
export const relist = async (deps: ServiceDeps, study: LoadedStudy): Promise<void> => {
  const asOf = deps.clock();
  const snapshot = await findSnapshot(deps, study);
  if (snapshot !== null) await listSnapshot(deps, snapshot, asOf);
};

/** Refreshes a study's listing with what was read of it. @param asOf when that began, milliseconds since 1970. */
export const listSnapshot = async (deps: ServiceDeps, snapshot: Snapshot, asOf: number): Promise<void> => {
  const listing = await listingOf(deps, snapshot, asOf);
  await updateOnce(deps, refreshListing(listing));
  deps.warm.listed.set(snapshot.study.id, { at: asOf, state: shownState(snapshot) });
};

/** The same as what follows from something else, unless this process has listed that state a moment ago. */
export const listIfDue = async (deps: ServiceDeps, snapshot: Snapshot, asOf: number): Promise<void> => {
  const { id, part } = snapshot.study;
  // A part is listed with the study that it belongs to.
  if (part !== undefined) return;
  const last = deps.warm.listed.get(id);
  if (last !== undefined && last.state === shownState(snapshot) && deps.clock() < last.at + REFRESH_MS)
    return;
  await followUp(deps, id, () => listSnapshot(deps, snapshot, asOf));
};

/** Before a study is changed: its listing may soon be out of date, and the reconciler will look. */
export const noteChange = async (deps: ServiceDeps, study: string): Promise<void> => {
  const now = deps.clock();
  if (now < (deps.warm.noted.get(study) ?? 0) + NOTE_MS) return;
  await followUp(deps, study, async () => {
    await updateOnce(deps, noteOutdated(study, now));
    deps.warm.noted.set(study, now);
  });
};
