import { dayNumber, monthLength, SATURDAY, SUNDAY, weekdayOf } from "./calendar.ts";

/** Which days of a month. Weekdays are counted from Sunday, 1. */
export type DayRule =
  | { readonly kind: "days" | "weekdays"; readonly values: readonly number[] }
  | { readonly kind: "last-day" }
  | { readonly kind: "nearest-workday"; readonly day: number }
  | { readonly kind: "last-weekday"; readonly weekday: number }
  | { readonly kind: "nth-weekday"; readonly weekday: number; readonly nth: number };

/** The days of one month on which a rule holds, in ascending order. */
export const daysIn = (rule: DayRule, year: number, month: number): readonly number[] => {
  const length = monthLength(year, month);
  const first = weekdayOf(dayNumber({ year, month, day: 1 }));
  const onWeekday = (weekday: number): number[] => {
    const earliest = 1 + ((weekday - first + 7) % 7);
    return Array.from({ length: Math.floor((length - earliest) / 7) + 1 }, (_, i) => earliest + 7 * i);
  };
  switch (rule.kind) {
    case "days":
      return rule.values.filter((day) => day <= length);
    case "weekdays":
      return rule.values.flatMap(onWeekday).sort((a, b) => a - b);
    case "last-day":
      return [length];
    case "last-weekday":
      return onWeekday(rule.weekday).slice(-1);
    case "nth-weekday":
      return onWeekday(rule.weekday).slice(rule.nth - 1, rule.nth);
    case "nearest-workday":
      return rule.day > length ? [] : [nearestWorkday(rule.day, length, first)];
  }
};

/** The workday next to a day, without leaving the month. */
const nearestWorkday = (day: number, length: number, first: number): number => {
  const weekday = ((first - 1 + day - 1) % 7) + 1;
  if (weekday === SATURDAY) return day === 1 ? 3 : day - 1;
  if (weekday === SUNDAY) return day === length ? day - 2 : day + 1;
  return day;
};
