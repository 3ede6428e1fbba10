import type { FiniteValues } from "../values.ts";
import { toJson } from "./json.ts";
import { reportKey, trialPartition } from "./keys.ts";
import type { Change, Store, Update } from "./store.ts";
import type { TrialItem } from "./trial.ts";

/** One point of a trial's learning curve. */
export interface ReportItem {
  readonly attempt: number;
  readonly step: number;
  readonly values: FiniteValues;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Records a step, whatever was there: a second report of the same step and attempt replaces the first. */
export const newReport = (
  trial: TrialItem,
  step: number,
  values: FiniteValues,
  now: number,
): Change & { update: Update } => ({
  name: "report",
  key: reportKey(trial.study, trial.number, trial.attempt, step),
  update: { set: { attempt: trial.attempt, step: String(step), values: toJson(values), at: now } },
});

/** The learning curve in order of its steps. */
export const readReports = async (store: Store, study: string, number: number): Promise<ReportItem[]> => {
  const items = await store.list(trialPartition(study, number), "REPORT#");
  return items
    .map((item) => ({
      attempt: Number(item.attempt),
      step: Number(item.step),
      values: JSON.parse(String(item.values)) as FiniteValues,
      at: Number(item.at),
    }))
    .sort((a, b) => a.step - b.step || a.attempt - b.attempt);
};

/** Deletes the learning curve of a trial. */
export const removeReports = (store: Store, study: string, number: number): Promise<void> =>
  store.removePartition(trialPartition(study, number));
