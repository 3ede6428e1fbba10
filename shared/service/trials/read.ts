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
import { isNumeric } from "../../space/space.ts";
import { type ReportItem, readReports } from "../../store/report.ts";
import type { Segment } from "../../store/segment.ts";
import { isFinished } from "../../store/trial.ts";
import { takesGradients } from "../../study/gradients.ts";
import { hasInnerRuns } from "../../study/nested.ts";
import { fillPage, firstPage } from "../../study/page.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { shownTrialState, timestamp, toTrial } from "../../study/view.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { bestTrialsOf } from "../core/describe.ts";
import { type FindTrial, finderIn, findTrialAndHead, trialFinder } from "../core/find-trial.ts";
import { readWhole, winnersOf } from "../core/parts.ts";
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
  const snapshots = await snapshotsOf(deps, study);
  const shelves = await Promise.all(
    snapshots.map(async (snapshot) => shelfOf(snapshot, await trialFinder(deps, snapshot))),
  );
  const isWanted = (trial: Trial) => state === undefined || trial.state === state;
  const { trials, next } = pageOf(shelves, { from, limit, isWanted });
  return { trials, cursor: next === null ? null : cursors.write(String(next)) };
};

/** A page of finished trials, and what stands in all of them, so that each page can be laid out as the others. */
export interface ExportPage extends TrialPage {
  /** The names of all parameters of the study, and of all metrics of its finished trials, sorted. */
  readonly parameters: readonly string[];
  readonly metrics: readonly string[];
  /** The names of the parameters by which gradients may be told, sorted. */
  readonly derivatives: readonly string[];
  /** Whether its trials are of nested cross-validation. */
  readonly isNested: boolean;
  /** Whether configurations have several runs. */
  readonly hasRuns: boolean;
  /** Whether its trials are segments of longer runs. */
  readonly hasSegments: boolean;
  /** Whether Hone runs its trials as jobs. */
  readonly hasJobs: boolean;
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
  const parameters = study.space.parameters.map(({ name }) => name).sort();
  const numbers = study.space.parameters.filter(isNumeric);
  const derivatives = takesGradients(study.spec) ? numbers.map(({ name }) => name).sort() : [];
  const read = await Promise.all(
    (await snapshotsOf(deps, study)).map(async (snapshot) => {
      const segments = await segmentsOf(deps, snapshot.study, 0, snapshot.head.segments);
      return {
        shelf: shelfOf(snapshot, finderIn(snapshot, segments)),
        metrics: metricsOf(snapshot, segments),
      };
    }),
  );
  const metrics = [...new Set(read.flatMap((one) => one.metrics))].sort();
  const { nested, evaluation } = study.spec;
  const isNested = nested !== undefined;
  const hasRuns = evaluation !== undefined || (isNested && hasInnerRuns(nested));
  const isWanted = (trial: Trial) => isFinished(trial.state);
  // Where each trial has other metrics, a row of CSV is mostly separators.
  const extra = parameters.length + metrics.length + derivatives.length;
  const { trials, next } = pageOf(
    read.map(({ shelf }) => shelf),
    { from, limit, isWanted, extra },
  );
  return {
    trials,
    cursor: next === null ? null : cursors.write(String(next)),
    parameters,
    metrics,
    derivatives,
    isNested,
    hasRuns,
    hasSegments: study.scheduler.segments !== undefined,
    hasJobs: study.spec.executor.type === "batch",
  };
};

/** Which trials a page takes. */
interface Wanted {
  /** The number of the first that it may hold. */
  readonly from: number;
  readonly limit: number;
  readonly isWanted: (trial: Trial) => boolean;
  /** Bytes that a trial takes beside its JSON. */
  readonly extra?: number;
}

/** The trials of a study or of one of its parts, by their numbers there. */
interface Shelf {
  /** All smaller numbers exist. */
  readonly next: number;
  readonly find: (number: number) => Trial | null;
}

const shelfOf = (snapshot: Snapshot, find: FindTrial): Shelf => ({
  next: snapshot.head.next,
  find: (number) => {
    const item = find(number);
    return item === null ? null : toTrial(snapshot, item);
  },
});

/** The study, or all of its parts in their order. */
const snapshotsOf = async (deps: ServiceDeps, study: LoadedStudy): Promise<readonly Snapshot[]> => {
  const snapshot = await readSnapshot(deps, study);
  const { nested } = study.spec;
  return nested === undefined ? [snapshot] : (await readWhole(deps, snapshot, nested)).parts;
};

/** A page of trials, and the number at which the next one begins, null when there is none. */
const pageOf = (
  shelves: readonly Shelf[],
  { from, limit, isWanted, extra }: Wanted,
): { readonly trials: Trial[]; readonly next: number | null } => {
  const end = shelves.length * Math.max(...shelves.map(({ next }) => next));
  const fits = fillPage();
  const trials: Trial[] = [];
  for (let number = from; number < end; number++) {
    if (trials.length >= limit) return { trials, next: number };
    const found = shelves[number % shelves.length]?.find(Math.floor(number / shelves.length)) ?? null;
    if (found === null || !isWanted(found)) continue;
    const trial = { ...found, number };
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
 * The best feasible trial, the Pareto set or the winners of all outer folds, in order of their numbers; a large set takes several pages.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const bestTrials = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { cursor }: PageOf = {},
): Promise<BestReply> => {
  const cursors = cursorsOf(`best of ${study.id}`, TRIAL_NUMBER);
  const from = Number(cursors.read(cursor) ?? 0);
  const snapshot = await readSnapshot(deps, study);
  const { nested } = study.spec;
  const best =
    nested === undefined
      ? await bestTrialsOf(deps, snapshot)
      : winnersOf(await readWhole(deps, snapshot, nested)).sort((a, b) => a.number - b.number);
  const rest = best.filter(({ number }) => number >= from);
  const trials = firstPage(rest);
  const next = rest[trials.length];
  return { trials, ...(next !== undefined && { cursor: cursors.write(String(next.number)) }) };
};
