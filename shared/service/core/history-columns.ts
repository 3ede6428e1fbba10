import { TrialKind } from "../../optimizer/algorithm.ts";
import type { TrialItem, TrialResult } from "../../store/trial.ts";
import { slopesOf, takesGradients } from "../../study/gradients.ts";
import { cost, excess, violation } from "../../study/objectives.ts";
import { measuredAt, placeOf } from "../../study/place.ts";
import type { LoadedStudy } from "../../study/study.ts";

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
  /** As in the optimizer's history; empty where the study takes no gradients. */
  gradient: Float64Array;
  violation: Float64Array;
  excess: Float64Array;
  kind: Uint8Array;
  resource: Float64Array;
  bracket: Int32Array;
  rung: Int32Array;
  parent: Int32Array;
  checkpoint: Uint8Array;
  /** As in the optimizer's history; all -1 in a study without an evaluation. */
  instance: Int32Array;
  configuration: Int32Array;
  iteration: Int32Array;
  /** As `Levels.value` of the optimizer; empty without a ladder. */
  levels: Float64Array;
}

/** In the columns of integers: a trial that is on no ladder, goes on from no other, or is no run of a configuration. */
const NO_PLACE = -1;

const kinds = {
  completed: TrialKind.completed,
  pruned: TrialKind.pruned,
  // It has values, of a lower resource than it may come to.
  paused: TrialKind.pruned,
  failed: TrialKind.failed,
  running: TrialKind.running,
  queued: TrialKind.running,
} as const satisfies Record<TrialItem["state"], TrialKind>;

/** Makes room for more rows. */
export const grow = (
  columns: HistoryColumns,
  capacity: number,
  { space, spec, scheduler }: LoadedStudy,
): void => {
  const [d, m, k] = [space.parameters.length, spec.objectives.length, spec.outcomes.length];
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
  const checkpoint = new Uint8Array(capacity);
  checkpoint.set(columns.checkpoint);
  columns.bracket = widenPlaces(columns.bracket);
  columns.rung = widenPlaces(columns.rung);
  columns.parent = widenPlaces(columns.parent);
  columns.instance = widenPlaces(columns.instance);
  columns.configuration = widenPlaces(columns.configuration);
  columns.iteration = widenPlaces(columns.iteration);
  columns.x = widen(columns.x, d);
  columns.y = widen(columns.y, m);
  columns.gradient = widen(columns.gradient, takesGradients(spec) ? d : 0);
  columns.violation = widen(columns.violation, 1);
  columns.excess = widen(columns.excess, k);
  columns.resource = widen(columns.resource, 1);
  columns.levels = widen(columns.levels, scheduler.levels.length * m);
  columns.kind = kind;
  columns.checkpoint = checkpoint;
  columns.number = new Uint32Array(capacity);
  for (let i = 0; i < capacity; i++) columns.number[i] = i;
  columns.capacity = capacity;
};

/** Writes what a row holds of a trial beside its point. */
export const fillRow = (study: LoadedStudy, columns: HistoryColumns, trial: TrialResult): void => {
  const { spec } = study;
  const row = trial.number;
  const kind = kinds[trial.state];
  const values = kind === TrialKind.completed || kind === TrialKind.pruned ? trial.values : null;
  spec.objectives.forEach((objective, i) => {
    columns.y[row * spec.objectives.length + i] = cost(objective, values);
  });
  columns.violation[row] = violation(spec, values);
  spec.outcomes.forEach((outcome, i) => {
    columns.excess[row * spec.outcomes.length + i] = excess(outcome, values);
  });
  columns.kind[row] = kind;
  columns.resource[row] = measuredAt(trial) ?? trial.resource ?? Number.NaN;
  const place = placeOf(study, trial);
  columns.bracket[row] = place?.bracket ?? NO_PLACE;
  columns.rung[row] = place?.rung ?? NO_PLACE;
  columns.parent[row] = trial.origin?.trial ?? NO_PLACE;
  columns.checkpoint[row] = Number(trial.checkpoint !== null);
  columns.instance[row] = trial.run?.instance ?? NO_PLACE;
  columns.configuration[row] = trial.run?.configuration ?? NO_PLACE;
  columns.iteration[row] = trial.run?.iteration ?? NO_PLACE;
  fillLevels(study, columns, trial);
};

/** Writes how a trial's objective changes with its point, once the point is written. */
export const fillGradient = (
  study: LoadedStudy,
  columns: HistoryColumns,
  { number, gradients }: Pick<TrialItem, "number" | "gradients">,
): void => {
  if (gradients === undefined || !takesGradients(study.spec)) return;
  const d = study.space.parameters.length;
  const x = columns.x.subarray(number * d, (number + 1) * d);
  columns.gradient.set(slopesOf(study, x, gradients), number * d);
};

/** What a trial came to at each level: at a rung, or where it ended. One that was imported has been to the top. */
const fillLevels = ({ spec, scheduler }: LoadedStudy, columns: HistoryColumns, trial: TrialResult): void => {
  const { levels } = scheduler;
  const m = spec.objectives.length;
  const top = levels.at(-1);
  if (top === undefined) return;
  const ended = trial.state === "completed" ? [{ step: top, values: trial.values ?? {} }] : [];
  for (const { step, values } of [...trial.curve, ...ended]) {
    const level = levels.findLastIndex((resource) => resource <= step);
    if (level < 0) continue;
    spec.objectives.forEach((objective, j) => {
      columns.levels[(trial.number * levels.length + level) * m + j] = cost(objective, values);
    });
  }
};

export const emptyColumns = (): HistoryColumns => ({
  capacity: 0,
  segments: 0,
  number: new Uint32Array(0),
  x: new Float64Array(0),
  y: new Float64Array(0),
  gradient: new Float64Array(0),
  violation: new Float64Array(0),
  excess: new Float64Array(0),
  kind: new Uint8Array(0),
  resource: new Float64Array(0),
  bracket: new Int32Array(0),
  rung: new Int32Array(0),
  parent: new Int32Array(0),
  checkpoint: new Uint8Array(0),
  instance: new Int32Array(0),
  configuration: new Int32Array(0),
  iteration: new Int32Array(0),
  levels: new Float64Array(0),
});
