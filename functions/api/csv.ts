import type { Trial } from "../../shared/schemas/trial.ts";

const BEFORE = ["number", "state", "attempt"] as const;
const AFTER = ["feasible", "algorithm", "why", "worker", "reason", "created", "finished"] as const;

/** Of `split`, what differs from trial to trial. */
const SPLIT = ["phase", "repeat", "outer", "inner"] as const;

/** The names of what has a column, the same on every page of an export. */
export interface Columns {
  readonly parameters: readonly string[];
  readonly metrics: readonly string[];
  /** By which parameters gradients may be told; without any, their columns are left out. */
  readonly derivatives: readonly string[];
  /** Whether the trials are of nested cross-validation, and say of which fold. */
  readonly isNested: boolean;
  /** Whether configurations have several runs; their columns are left out otherwise. */
  readonly hasRuns: boolean;
  /** Whether trials are segments of longer runs; their columns are left out otherwise. */
  readonly hasSegments: boolean;
  /** Whether Hone runs the trials as jobs, in whose place somebody may have told them; that column is left out otherwise. */
  readonly hasJobs: boolean;
}

const RUN = ["configuration", "instance", "instanceName", "seed", "iteration"] as const;

/** What a segment goes on from, how far that one ran, and how far it ran itself. */
const SEGMENT = ["parent", "resumesAt", "resource"] as const;

const TELLER = ["toldBy"] as const;

/**
 * Trials as CSV (RFC 4180): one row per trial, one column per parameter (`params.lr`), per metric (`values.loss`), and per derivative where
 * gradients are told (`gradients.values.lr`, by what `gradients.space` says).
 *
 * A cell reads back as what it was: empty means that the trial has no such parameter or value; `true`, `false`, `null` and
 * numbers are themselves, doubles exactly; `'` stands before a text that would be read as one of these, or that a
 * spreadsheet would take for a formula, and before one that is empty or begins with `'`; any other cell is its text.
 */
export const toCsv = (
  trials: readonly Trial[],
  { parameters, metrics, derivatives, isNested, hasRuns, hasSegments, hasJobs }: Columns,
): string => {
  const split = isNested ? SPLIT : [];
  const run = hasRuns ? RUN : [];
  const segment = hasSegments ? SEGMENT : [];
  const teller = hasJobs ? TELLER : [];
  const header = [
    ...BEFORE,
    ...split.map((name) => `split.${name}`),
    ...run,
    ...segment,
    ...parameters.map((name) => `params.${name}`),
    ...metrics.map((name) => `values.${name}`),
    ...(derivatives.length > 0 ? ["gradients.space"] : []),
    ...derivatives.map((name) => `gradients.values.${name}`),
    ...AFTER,
    ...teller,
  ];
  const rows = trials.map((trial) => [
    ...BEFORE.map((field) => cell(trial[field])),
    // A refit has no inner fold.
    ...split.map((name) => cell(trial.split?.[name] ?? undefined)),
    ...run.map((field) => cell(trial[field])),
    // The first segment of a run has no parent.
    ...segment.map((field) => cell(trial[field] ?? undefined)),
    ...parameters.map((name) => cell(trial.params[name])),
    ...metrics.map((name) => cell(trial.values?.[name])),
    ...(derivatives.length > 0 ? [cell(trial.gradients?.space)] : []),
    ...derivatives.map((name) => cell(trial.gradients?.values[name])),
    // What is null here is not there: a reason, a worker.
    ...[...AFTER, ...teller].map((field) => cell(trial[field] ?? undefined)),
  ]);
  return [header, ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
};

/** A text that needs a mark: a formula, another type's value, an empty text, or one that begins with the mark. */
const AMBIGUOUS = /^(?:[=+\-@\t\r\n'].*|true|false|null|)$/s;

const cell = (value: string | number | boolean | null | undefined): string => {
  if (value === undefined) return "";
  if (typeof value !== "string") return String(value);
  return AMBIGUOUS.test(value) || readsAsNumber(value) ? `'${value}` : value;
};

/** As programs and spreadsheets read numbers, with spaces around them. */
const readsAsNumber = (text: string): boolean => text.trim() === "" || !Number.isNaN(Number(text));

const quoted = (text: string): string =>
  /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
