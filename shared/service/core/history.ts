import { type History, type Problem, TrialKind } from "../../optimizer/algorithm.ts";
import { toCube } from "../../space/cube.ts";
import type { TrialItem } from "../../store/trial.ts";
import { cost, excess, violation } from "../../study/objectives.ts";
import { placeOf } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";
import { segmentsOf } from "./segments.ts";

/**
 * The history in the optimizer's terms. Each trial is in the row of its number, so nothing is sorted; the rows of
 * folded trials never change and stay in memory while the Lambda is warm, so an ask writes only the tail's rows.
 */
export interface HistoryColumns {
  capacity: number;
  /** Segments whose rows are in place. */
  segments: number;
  number: Uint32Array;
  x: Float64Array;
  y: Float64Array;
  violation: Float64Array;
  excess: Float64Array;
  kind: Uint8Array;
  resource: Float64Array;
  bracket: Int32Array;
  rung: Int32Array;
}

/** In the columns of brackets and rungs: a trial that is on no ladder. */
const NO_PLACE = -1;

const kinds = { completed: TrialKind.completed, pruned: TrialKind.pruned, failed: TrialKind.failed } as const;

/** What a row of the history holds of a trial beside its point. */
type Result = Pick<TrialItem, "number" | "state" | "values" | "resource" | "bracket" | "rung">;

const kindOf = (trial: Result): TrialKind =>
  trial.state === "completed" || trial.state === "pruned" || trial.state === "failed"
    ? kinds[trial.state]
    : TrialKind.running;

const grow = (columns: HistoryColumns, capacity: number, d: number, m: number, k: number): void => {
  const widen = (old: Float64Array, width: number) => {
    const wide = new Float64Array(capacity * width).fill(Number.NaN);
    wide.set(old);
    return wide;
  };
  const widenPlaces = (old: Int32Array) => {
    const wide = new Int32Array(capacity).fill(NO_PLACE);
    wide.set(old);
    return wide;
  };
  const kind = new Uint8Array(capacity);
  kind.set(columns.kind);
  columns.bracket = widenPlaces(columns.bracket);
  columns.rung = widenPlaces(columns.rung);
  columns.x = widen(columns.x, d);
  columns.y = widen(columns.y, m);
  columns.violation = widen(columns.violation, 1);
  columns.excess = widen(columns.excess, k);
  columns.resource = widen(columns.resource, 1);
  columns.kind = kind;
  columns.number = new Uint32Array(capacity);
  for (let i = 0; i < capacity; i++) columns.number[i] = i;
  columns.capacity = capacity;
};

const fillRow = (study: LoadedStudy, columns: HistoryColumns, trial: Result): void => {
  const { spec } = study;
  const row = trial.number;
  const kind = kindOf(trial);
  const values = kind === TrialKind.completed || kind === TrialKind.pruned ? trial.values : null;
  spec.objectives.forEach((objective, i) => {
    columns.y[row * spec.objectives.length + i] = cost(objective, values);
  });
  columns.violation[row] = violation(spec, values);
  spec.outcomes.forEach((outcome, i) => {
    columns.excess[row * spec.outcomes.length + i] = excess(outcome, values);
  });
  columns.kind[row] = kind;
  columns.resource[row] = trial.resource ?? Number.NaN;
  const place = placeOf(study, trial);
  columns.bracket[row] = place?.bracket ?? NO_PLACE;
  columns.rung[row] = place?.rung ?? NO_PLACE;
};

const emptyColumns = (): HistoryColumns => ({
  capacity: 0,
  segments: 0,
  number: new Uint32Array(0),
  x: new Float64Array(0),
  y: new Float64Array(0),
  violation: new Float64Array(0),
  excess: new Float64Array(0),
  kind: new Uint8Array(0),
  resource: new Float64Array(0),
  bracket: new Int32Array(0),
  rung: new Int32Array(0),
});

/** The columns of a study, warm or new. */
const columnsOf = ({ warm }: ServiceDeps, study: LoadedStudy): HistoryColumns => {
  const columns = warm.histories.get(study.id) ?? emptyColumns();
  warm.histories.set(study.id, columns);
  return columns;
};

/**
 * The study's history. The arrays are shared with later calls: use them before the next await.
 */
export const historyOf = async (deps: ServiceDeps, snapshot: Snapshot): Promise<History> => {
  const { study, head, trials } = snapshot;
  const d = study.space.parameters.length;
  const m = study.spec.objectives.length;
  const outcomes = study.spec.outcomes.length;
  const known = deps.warm.histories.peek(study.id)?.segments ?? 0;
  const from = Math.min(known, head.segments);
  const fresh = await segmentsOf(deps, study, from, head.segments);
  const columns = columnsOf(deps, study);
  const n = head.next;
  const hasLadder = study.scheduler.start(0) !== null;
  if (columns.capacity < n) grow(columns, Math.max(256, 2 ** Math.ceil(Math.log2(n + 1))), d, m, outcomes);
  for (const [i, segment] of fresh.entries()) {
    if (from + i < columns.segments) continue;
    for (let i = 0; i < segment.count; i++) {
      fillRow(study, columns, segment.result(i));
      segment.point(i, columns.x, (segment.numbers[i] ?? 0) * d);
    }
    columns.segments = from + i + 1;
  }
  for (const trial of trials) {
    fillRow(study, columns, trial);
    columns.x.set(toCube(study.space, trial.params), trial.number * d);
  }
  return {
    n,
    number: columns.number.subarray(0, n),
    x: columns.x.subarray(0, n * d),
    y: columns.y.subarray(0, n * m),
    violation: columns.violation.subarray(0, n),
    excess: columns.excess.subarray(0, n * outcomes),
    kind: columns.kind.subarray(0, n),
    resource: columns.resource.subarray(0, n),
    ...(hasLadder && { bracket: columns.bracket.subarray(0, n), rung: columns.rung.subarray(0, n) }),
  };
};

/** What the algorithm is told about the study. */
export const problemOf = ({ study, head }: Snapshot): Problem => ({
  space: study.space,
  objectives: study.spec.objectives.length,
  outcomes: study.spec.outcomes.length,
  budget: { trials: head.trials, parallel: head.parallel },
});
