import type { History, Problem } from "../../optimizer/algorithm.ts";
import { toCube } from "../../space/cube.ts";
import { instancesOf, runsOf } from "../../study/evaluation.ts";
import { takesGradients } from "../../study/gradients.ts";
import { firstLevel } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { trialsUsed } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";
import { emptyColumns, fillGradient, fillRow, grow, type HistoryColumns } from "./history-columns.ts";
import { segmentsOf } from "./segments.ts";

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
  // Held from before the read on: what the cache drops meanwhile must not be taken for filled.
  const columns = columnsOf(deps, study);
  const from = Math.min(columns.segments, head.segments);
  const fresh = await segmentsOf(deps, study, from, head.segments);
  const n = head.next;
  const { levels, segments } = study.scheduler;
  if (columns.capacity < n) grow(columns, Math.max(256, 2 ** Math.ceil(Math.log2(n + 1))), study);
  for (const [k, segment] of fresh.entries()) {
    if (from + k < columns.segments) continue;
    for (let i = 0; i < segment.count; i++) {
      const result = segment.result(i);
      fillRow(study, columns, result);
      segment.point(i, columns.x, (segment.numbers[i] ?? 0) * d);
      fillGradient(study, columns, result);
    }
    columns.segments = from + k + 1;
  }
  for (const trial of trials) {
    fillRow(study, columns, trial);
    columns.x.set(toCube(study.space, trial.params), trial.number * d);
    fillGradient(study, columns, trial);
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
    ...(takesGradients(study.spec) && {
      gradient: columns.gradient.subarray(0, n * d),
      parent: columns.parent.subarray(0, n),
    }),
    ...(segments !== undefined && {
      bracket: columns.bracket.subarray(0, n),
      rung: columns.rung.subarray(0, n),
      parent: columns.parent.subarray(0, n),
      checkpoint: columns.checkpoint.subarray(0, n),
    }),
    ...(study.spec.evaluation !== undefined && {
      instance: columns.instance.subarray(0, n),
      configuration: columns.configuration.subarray(0, n),
      iteration: columns.iteration.subarray(0, n),
    }),
    ...(levels.length > 0 && {
      bracket: columns.bracket.subarray(0, n),
      rung: columns.rung.subarray(0, n),
      levels: { resources: levels, value: columns.levels.subarray(0, n * levels.length * m) },
    }),
  };
};

/**
 * What the algorithm is told about the study.
 * @param count how many trials it is asked for.
 */
export const problemOf = ({ study, head }: Snapshot, count: number): Problem => ({
  space: study.space,
  objectives: study.spec.objectives.length,
  outcomes: study.spec.outcomes.length,
  budget: { trials: head.trials, parallel: head.parallel },
  repeats: study.spec.repeats,
  ...(study.earlier !== undefined && { earlier: study.earlier }),
  ...(study.spec.evaluation !== undefined && {
    runs: runsOf(study.spec.evaluation),
    instances: instancesOf(study.spec.evaluation),
  }),
  ...(study.scheduler.eta !== null && { eta: study.scheduler.eta }),
  ...(study.scheduler.segments !== undefined && { segments: study.scheduler.segments }),
  ...(study.scheduler.levels.length > 0 && {
    starts: Array.from({ length: count }, (_, i) => firstLevel(study, trialsUsed(head) + i)),
  }),
});
