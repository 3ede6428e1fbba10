import { type History, TrialKind } from "../algorithm.ts";

/** Rows of trials that have ended, in order of their numbers. */
export const endedRows = ({ n, kind }: History): number[] => {
  const rows: number[] = [];
  for (let row = 0; row < n; row++) if (kind[row] !== TrialKind.running) rows.push(row);
  return rows;
};

/** How many trials have ended. */
export const countEnded = ({ n, kind }: History): number => {
  let count = 0;
  for (let row = 0; row < n; row++) if (kind[row] !== TrialKind.running) count++;
  return count;
};

/** Whether a row's trial ended with a number for each objective. */
export const hasResult = ({ kind, y }: History, row: number, objectives: number): boolean => {
  if (kind[row] !== TrialKind.completed && kind[row] !== TrialKind.pruned) return false;
  for (let j = 0; j < objectives; j++) if (!Number.isFinite(y[row * objectives + j]!)) return false;
  return true;
};

/**
 * The point of one row, as an array of its own.
 * @param d how many parameters the space has.
 */
export const pointOf = ({ x }: History, row: number, d: number): Float64Array =>
  x.slice(row * d, (row + 1) * d);

/** The points of the trials that have no result yet, in order of their numbers. */
export const runningPoints = (history: History, d: number): Float64Array[] => {
  const points: Float64Array[] = [];
  for (let row = 0; row < history.n; row++) {
    if (history.kind[row] === TrialKind.running) points.push(pointOf(history, row, d));
  }
  return points;
};
