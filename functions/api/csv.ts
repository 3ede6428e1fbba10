import type { Trial } from "../../shared/schemas/trial.ts";

const BEFORE = ["number", "state", "attempt"] as const;
const AFTER = ["feasible", "algorithm", "why", "worker", "reason", "created", "finished"] as const;

/** The names of what has a column, the same on every page of an export. */
export interface Columns {
  readonly parameters: readonly string[];
  readonly metrics: readonly string[];
}

/**
 * Trials as CSV (RFC 4180): one row per trial, one column per parameter (`params.lr`) and per metric (`values.loss`), empty
 * where a trial has no value. Doubles are written so that they read back exactly.
 */
export const toCsv = (trials: readonly Trial[], { parameters, metrics }: Columns): string => {
  const header = [
    ...BEFORE,
    ...parameters.map((name) => `params.${name}`),
    ...metrics.map((name) => `values.${name}`),
    ...AFTER,
  ];
  const rows = trials.map((trial) => [
    ...BEFORE.map((field) => trial[field]),
    ...parameters.map((name) => trial.params[name]),
    ...metrics.map((name) => trial.values?.[name]),
    ...AFTER.map((field) => trial[field]),
  ]);
  return [header, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
};

const cell = (value: string | number | boolean | null | undefined): string => {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
