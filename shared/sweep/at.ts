import { dayNumber, monthLength } from "./calendar.ts";
import { DAY, zoneOf } from "./zone.ts";

const PARTS = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d:\d\d)?$/;

interface WrittenTime {
  readonly wall: number;
  /** From UTC, in milliseconds; null for a local time. */
  readonly offset: number | null;
}

/** Reads an `at`; null if there is no such date or time. */
export const readAt = (at: string): WrittenTime | null => {
  const parts = PARTS.exec(at);
  if (parts === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const isDate = month >= 1 && month <= 12 && day >= 1 && day <= monthLength(year, month);
  const offset = offsetOf(parts[7]);
  if (!isDate || hour > 23 || minute > 59 || second > 59 || offset === undefined) return null;
  const ofDay = ((hour * 60 + minute) * 60 + second) * 1000;
  return { wall: dayNumber({ year, month, day }) * DAY + ofDay, offset };
};

/** Null for a local time, undefined for an offset that no clock has. */
const offsetOf = (text: string | undefined): number | null | undefined => {
  if (text === undefined) return null;
  if (text === "Z") return 0;
  const [hours = 0, minutes = 0] = text.slice(1).split(":").map(Number);
  if (hours > 23 || minutes > 59) return undefined;
  return (text.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
};

/** When an `at` is; null for one that does not exist. */
export const instantOfAt = (at: string, timezone: string): number | null => {
  const written = readAt(at);
  if (written === null) return null;
  return written.offset === null ? zoneOf(timezone).instantOf(written.wall) : written.wall - written.offset;
};
