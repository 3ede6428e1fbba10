import type { Fault } from "../sentences/faults.ts";
import type { CronField } from "../sentences/sweep-faults.ts";
import { SATURDAY } from "./calendar.ts";
import type { DayRule } from "./days.ts";

/** A cron expression that was understood; the values of each field in ascending order. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  readonly years: readonly number[];
  readonly days: DayRule;
}

interface Field {
  readonly name: CronField;
  readonly low: number;
  readonly high: number;
  /** What the values may be called, from `low` on. */
  readonly names?: readonly string[];
  readonly hasSteps: boolean;
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const minutes: Field = { name: "minutes", low: 0, high: 59, hasSteps: true };
const hours: Field = { name: "hours", low: 0, high: 23, hasSteps: true };
const daysOfMonth: Field = { name: "day of month", low: 1, high: 31, hasSteps: true };
const months: Field = { name: "month", low: 1, high: 12, names: MONTHS, hasSteps: true };
const daysOfWeek: Field = { name: "day of week", low: 1, high: 7, names: WEEKDAYS, hasSteps: false };
const years: Field = { name: "year", low: 1970, high: 2199, hasSteps: true };

/** A field that is not understood. */
class CronError extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.kind);
    this.fault = fault;
  }
}

/**
 * Reads a cron expression of six fields. What EventBridge Scheduler's documentation does not name is refused, so that no
 * schedule is accepted here and refused there.
 * @returns the first fault of each field, or the expression.
 */
export const parseCron = (text: string): Cron | { readonly faults: readonly Fault[] } => {
  const parts = text.trim().toUpperCase().split(/\s+/);
  if (parts.length !== 6)
    return { faults: [{ kind: "cron-fields", given: text.trim() === "" ? 0 : parts.length }] };
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = "", year = ""] = parts;
  const faults: Fault[] = [];
  const read = <T>(parse: () => T, otherwise: T): T => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof CronError)) throw error;
      faults.push(error.fault);
      return otherwise;
    }
  };
  const days = { kind: "days", values: [] } as const;
  const cron = {
    minutes: read(() => valuesOf(minutes, minute), []),
    hours: read(() => valuesOf(hours, hour), []),
    days: read(() => dayRule(dayOfMonth, dayOfWeek), days),
    months: read(() => valuesOf(months, month), []),
    years: read(() => valuesOf(years, year), []),
  };
  return faults.length > 0 ? { faults } : cron;
};

const dayRule = (dayOfMonth: string, dayOfWeek: string): DayRule => {
  if ((dayOfMonth === "?") === (dayOfWeek === "?"))
    throw new CronError({ kind: "cron-days", given: dayOfMonth === "?" ? "neither" : "both" });
  return dayOfWeek === "?" ? ruleOfMonth(dayOfMonth) : ruleOfWeek(dayOfWeek);
};

const ruleOfMonth = (text: string): DayRule => {
  if (text === "L") return { kind: "last-day" };
  const near = /^(\d+)W$/.exec(text);
  return near === null
    ? { kind: "days", values: valuesOf(daysOfMonth, text) }
    : { kind: "nearest-workday", day: numberOf(daysOfMonth, near[1] ?? "", text) };
};

const ruleOfWeek = (text: string): DayRule => {
  if (text === "L") return { kind: "weekdays", values: [SATURDAY] };
  const special = /^(\d)(?:L|#([1-5]))$/.exec(text);
  if (special === null) return { kind: "weekdays", values: valuesOf(daysOfWeek, text) };
  const weekday = numberOf(daysOfWeek, special[1] ?? "", text);
  return special[2] === undefined
    ? { kind: "last-weekday", weekday }
    : { kind: "nth-weekday", weekday, nth: Number(special[2]) };
};

/** Numbers and names, ranges, steps, and lists of them. */
const valuesOf = (field: Field, text: string): readonly number[] => {
  const found = new Set(text.split(",").flatMap((part) => partOf(field, part, text)));
  return [...found].sort((a, b) => a - b);
};

const partOf = (field: Field, part: string, whole: string): number[] => {
  const [range = "", step, ...more] = part.split("/");
  const isUnknown = more.length > 0 || (step !== undefined && !field.hasSteps);
  if (isUnknown || (part === "*" && whole !== "*")) throw unknown(field, whole);
  const [low, high] = boundsOf(field, range, step !== undefined, whole);
  const by = step === undefined ? 1 : stepOf(field, step);
  return Array.from({ length: Math.floor((high - low) / by) + 1 }, (_, i) => low + i * by);
};

const boundsOf = (
  field: Field,
  range: string,
  hasStep: boolean,
  whole: string,
): readonly [number, number] => {
  if (range === "*") return [field.low, field.high];
  const [from = "", to, ...more] = range.split("-");
  if (more.length > 0) throw unknown(field, whole);
  const low = numberOf(field, from, whole);
  if (to === undefined) return [low, hasStep ? field.high : low];
  const high = numberOf(field, to, whole);
  if (high < low) throw new CronError({ kind: "cron-range", field: field.name, given: range });
  return [low, high];
};

const stepOf = (field: Field, text: string): number => {
  const most = field.high - field.low;
  const step = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (step < 1 || step > most)
    throw new CronError({ kind: "cron-step", field: field.name, given: text, most });
  return step;
};

const numberOf = (field: Field, text: string, whole: string): number => {
  const named = field.names?.indexOf(text) ?? -1;
  if (named >= 0) return field.low + named;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : -1;
  if (value < field.low || value > field.high) throw unknown(field, whole);
  return value;
};

const unknown = (field: Field, given: string) =>
  new CronError({ kind: "cron-value", field: field.name, given });
