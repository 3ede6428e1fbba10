import { expect, test } from "vitest";
import { calendarDay, dayNumber, monthLength, weekdayOf } from "../../../shared/sweep/calendar.ts";

const DAY = 86_400_000;

test("every day from 1900 to 2200 has the date, the weekday and the month that JavaScript gives it", () => {
  for (let number = Date.UTC(1900, 0, 1) / DAY; number < Date.UTC(2200, 0, 1) / DAY; number++) {
    const date = new Date(number * DAY);
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    const found = calendarDay(number);
    // One comparison a day: an assertion each would take seconds.
    const isRight =
      found.year === year &&
      found.month === month &&
      found.day === day &&
      dayNumber(found) === number &&
      weekdayOf(number) === date.getUTCDay() + 1;
    if (!isRight) expect({ number, ...found, weekday: weekdayOf(number) }).toBe(date.toISOString());
    if (day === 1 && monthLength(year, month) !== new Date(Date.UTC(year, month, 0)).getUTCDate())
      expect(monthLength(year, month)).toBe(date.toISOString());
  }
});
