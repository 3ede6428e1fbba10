import { type Rung, rungOf, withEntry, withoutWaiting } from "../../scheduler/rung-table.ts";
import type { Progress, Resumption, RungPlace, Rungs, Verdict } from "../../scheduler/scheduler.ts";
import type { Standing } from "../../scheduler/standing.ts";
import {
  changeTable,
  readLadders,
  readRungTable,
  readRungTables,
  type StoredLadders,
  type StoredRung,
  type StoredTable,
  tableIn,
} from "../../store/rung-table.ts";
import type { Change } from "../../store/store.ts";
import type { TrialItem } from "../../store/trial.ts";
import { tableOfEnd } from "../../study/ends.ts";
import { rungAddress, tableAddress } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { trialsLeft, trialsUsed } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";

/** The rungs of a study, for the scheduler that compares trials at them and for what changes them. */

const NONE_LOST: ReadonlySet<number> = new Set();

/** A rung of its tables. */
const toRung = (tables: StoredRung["tables"], bracket: RungPlace, lost: ReadonlySet<number>): Rung => {
  const stored = [...tables.values()];
  const failed = bracket.rung === 0 ? stored.reduce((sum, each) => sum + each.failed, 0) : lost.size;
  return rungOf(
    stored.map(({ table }) => table),
    { failed, lost },
  );
};

/** A rung that is watched: what it has seen, and its tables. */
export interface WatchedRung {
  readonly place: RungPlace;
  readonly rung: Rung;
  readonly tables: StoredRung["tables"];
}

/** Reads the rung that a report is compared at. */
export const watchedRung = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  place: RungPlace,
): Promise<WatchedRung> => {
  const tables = await readRungTables(deps.store, rungAddress(study, place));
  return { place, rung: toRung(tables, place, NONE_LOST), tables };
};

/** The entry of a report into the table of the rung that was watched. */
export const entryOf = (
  study: LoadedStudy,
  { place, tables }: WatchedRung,
  standing: Standing,
  { decision, entry = standing }: Verdict,
): Change => {
  const address = tableAddress(study, place, standing.trial);
  const stored = tableIn(tables, address.table);
  const room = decision === "pause" ? study.scheduler.keeps(place) : 0;
  return changeTable(address, stored, withEntry(stored.table, entry, room));
};

/** The table that records the end of a trial with values, undefined when none does. */
export const endTable = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
): Promise<StoredTable | undefined> => {
  const address = tableOfEnd(study, trial);
  return address === null ? undefined : readRungTable(deps.store, address);
};

/** Paused trials that go on, and the tables that they wait in. */
export interface Resumable {
  readonly resumptions: readonly Resumption[];
  /** Whether a model chooses which of them go on. */
  readonly byModel: boolean;
  readonly ladders: StoredLadders;
}

/** Whether trials of the study are paused and go on in a later ask. */
export const mayResume = ({ scheduler }: LoadedStudy): boolean => {
  const place = scheduler.start(0);
  return scheduler.rounds === null && place !== null && scheduler.keeps(place) > 0;
};

/** Whether a model chooses what runs next: as long as new trials may begin. */
export const choosesByModel = ({ study, head }: Snapshot): boolean =>
  study.scheduler.candidates !== undefined && trialsLeft(head) > 0;

/** How many items a change of a trial may write: one that goes on, or is lost, changes what its rung knows too. */
export const changesPerTrial = (study: LoadedStudy): number => (mayResume(study) ? 2 : 1);

/**
 * Which paused trials go on now, or may.
 * @param busy trials that run or wait to.
 * @param most at most so many.
 */
export const resumable = async (
  deps: ServiceDeps,
  { study, head }: Snapshot,
  busy: number,
  most: number,
): Promise<Resumable | null> => {
  if (!mayResume(study)) return null;
  const progress: Progress = { trials: trialsUsed(head), mayStart: trialsLeft(head) > 0, busy };
  const ladders = await readLadders(deps.store, study.id, study.scheduler.firstBracket(progress.trials));
  const known = new Map<string, Rung>();
  const rungs: Rungs = (place) => {
    const name = `${place.bracket}#${place.rung}`;
    const { tables, lost } = ladders.at(place);
    const rung = known.get(name) ?? toRung(tables, place, lost);
    known.set(name, rung);
    return rung;
  };
  const candidates = progress.mayStart ? study.scheduler.candidates?.(rungs, progress) : undefined;
  return {
    resumptions: candidates ?? study.scheduler.resume(rungs, progress, most),
    byModel: candidates !== undefined,
    ladders,
  };
};

/** What taking waiting trials out of their tables changes: one change a table. */
export const takenOut = (
  study: LoadedStudy,
  resumptions: readonly Resumption[],
  ladders: StoredLadders | null,
): Change[] => {
  if (ladders === null) return [];
  const groups = Map.groupBy(resumptions, ({ trial, from }) => {
    const { bracket, rung, table } = tableAddress(study, from, trial);
    return `${bracket}#${rung}#${table}`;
  });
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const address = tableAddress(study, first.from, first.trial);
    const stored = tableIn(ladders.at(first.from).tables, address.table);
    const next = group.reduce((table, { trial }) => withoutWaiting(table, trial), stored.table);
    return [changeTable(address, stored, next)];
  });
};
