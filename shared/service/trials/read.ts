import { TRIAL_NUMBER } from "../../patterns.ts";
import type { PageOf } from "../../schemas/study.ts";
import type {
  BestReply,
  ExportQuery,
  Trial,
  TrialDetail,
  TrialPage,
  TrialsQuery,
} from "../../schemas/trial.ts";
import { type ReportItem, readReports } from "../../store/report.ts";
import type { Segment } from "../../store/segment.ts";
import { isFinished, type TrialItem } from "../../store/trial.ts";
import { fillPage, firstPage } from "../../study/page.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { shownTrialState, timestamp, toTrial } from "../../study/view.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { bestTrialsOf } from "../core/describe.ts";
import { type FindTrial, finderIn, findTrialAndHead, trialFinder } from "../core/find-trial.ts";
import { segmentsOf } from "../core/segments.ts";
import { readSnapshot } from "../core/snapshot.ts";

const PAGE = 100;

/**
 * Trials in order of their numbers, from the cursor on; fewer than the limit when they are large.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const listTrials = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { state, cursor, limit = PAGE }: TrialsQuery,
): Promise<TrialPage> => {
  const cursors = cursorsOf(`trials of ${study.id}`, TRIAL_NUMBER);
  const from = Number(cursors.read(cursor) ?? 0);
  const snapshot = await readSnapshot(deps, study);
  const isWanted = (trial: TrialItem) =>
    state === undefined || shownTrialState(snapshot.head, trial) === state;
  const { trials, next } = pageOf(snapshot, await trialFinder(deps, snapshot), { from, limit, isWanted });
  return { trials, cursor: next === null ? null : cursors.write(String(next)) };
};

/** A page of finished trials, and what stands in all of them, so that each page can be laid out as the others. */
export interface ExportPage extends TrialPage {
  /** The names of all parameters of the study, and of all metrics of its finished trials, sorted. */
  readonly parameters: readonly string[];
  readonly metrics: readonly string[];
}

/**
 * Finished trials in order of their numbers, from the cursor on, as many as fit into an answer.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const exportTrials = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { cursor, limit = Number.POSITIVE_INFINITY }: Pick<ExportQuery, "cursor" | "limit"> = {},
): Promise<ExportPage> => {
  const cursors = cursorsOf(`export of ${study.id}`, TRIAL_NUMBER);
  const from = Number(cursors.read(cursor) ?? 0);
  const snapshot = await readSnapshot(deps, study);
  const parameters = study.space.parameters.map(({ name }) => name).sort();
  const segments = await segmentsOf(deps, study, 0, snapshot.head.segments);
  const metrics = metricsOf(snapshot, segments);
  const isWanted = (trial: TrialItem) => isFinished(shownTrialState(snapshot.head, trial));
  // Where each trial has other metrics, a row of CSV is mostly separators.
  const extra = parameters.length + metrics.length;
  const { trials, next } = pageOf(snapshot, finderIn(snapshot, segments), { from, limit, isWanted, extra });
  return { trials, cursor: next === null ? null : cursors.write(String(next)), parameters, metrics };
};

/** Which trials a page takes. */
interface Wanted {
  /** The number of the first that it may hold. */
  readonly from: number;
  readonly limit: number;
  readonly isWanted: (trial: TrialItem) => boolean;
  /** Bytes that a trial takes beside its JSON. */
  readonly extra?: number;
}

/** A page of trials, and the number at which the next one begins, null when there is none. */
const pageOf = (
  snapshot: Snapshot,
  find: FindTrial,
  { from, limit, isWanted, extra }: Wanted,
): { readonly trials: Trial[]; readonly next: number | null } => {
  const { head } = snapshot;
  const fits = fillPage();
  const trials: Trial[] = [];
  for (let number = from; number < head.next; number++) {
    if (trials.length >= limit) return { trials, next: number };
    const item = find(number);
    if (item === null || !isWanted(item)) continue;
    const trial = toTrial(snapshot, item);
    if (!fits(trial, extra)) return { trials, next: number };
    trials.push(trial);
  }
  return { trials, next: null };
};

const metricsOf = ({ head, trials }: Snapshot, segments: readonly Segment[]): string[] => {
  const finished = trials.filter((trial) => isFinished(shownTrialState(head, trial)));
  const names = [
    ...segments.flatMap(({ metrics }) => metrics),
    ...finished.flatMap(({ values }) => Object.keys(values ?? {})),
  ];
  return [...new Set(names)].sort();
};

/** How the place of a report is written: its step and its attempt. */
const REPORT_PLACE = "[0-9.e+-]{1,32}#[0-9]{1,7}";

/**
 * One trial in full. Its learning curve may take several pages, of which each has the trial.
 * @throws TrialNotFound, InvalidInput for a cursor that is not one of this trial.
 */
export const readTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  { cursor }: PageOf = {},
): Promise<TrialDetail> => {
  const cursors = cursorsOf(`reports of ${study.id} ${number}`, REPORT_PLACE);
  const place = cursors.read(cursor);
  const [{ trial, head }, reports] = await Promise.all([
    findTrialAndHead(deps, study, number),
    readReports(deps.store, study.id, number),
  ]);
  const rest = reports.slice(place === null ? 0 : firstFrom(reports, place));
  const page = firstPage(rest.map((report) => ({ ...report, at: timestamp(report.at) })));
  const next = rest[page.length];
  return {
    ...toTrial({ study, head }, trial),
    attempts: [...trial.attempts],
    reports: page,
    jobId: trial.job?.jobId ?? null,
    ...(next !== undefined && { cursor: cursors.write(`${next.step}#${next.attempt}`) }),
  };
};

/** Where in a curve a page begins; the report at which it was to begin may be gone. */
const firstFrom = (reports: readonly ReportItem[], place: string): number => {
  const [step = 0, attempt = 0] = place.split("#").map(Number);
  const at = reports.findIndex((one) => one.step > step || (one.step === step && one.attempt >= attempt));
  return at === -1 ? reports.length : at;
};

/**
 * The best feasible trial or the Pareto set, in order of their numbers; a large set takes several pages.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const bestTrials = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { cursor }: PageOf = {},
): Promise<BestReply> => {
  const cursors = cursorsOf(`best of ${study.id}`, TRIAL_NUMBER);
  const from = Number(cursors.read(cursor) ?? 0);
  const best = await bestTrialsOf(deps, await readSnapshot(deps, study));
  const rest = best.filter(({ number }) => number >= from);
  const trials = firstPage(rest);
  const next = rest[trials.length];
  return { trials, ...(next !== undefined && { cursor: cursors.write(String(next.number)) }) };
};
