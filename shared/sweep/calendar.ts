/** The Gregorian calendar in whole numbers. A day is its number since 1970-01-01. */

export interface CalendarDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const DAYS_IN_400_YEARS = 146_097;
/** From 0000-03-01 to 1970-01-01. */
const EPOCH = 719_468;

/** Source: Hinnant, "chrono-compatible low-level date algorithms", days_from_civil. Its years begin in March. */
export const dayNumber = ({ year, month, day }: CalendarDay): number => {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const inEra = ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear;
  return era * DAYS_IN_400_YEARS + inEra - EPOCH;
};

/** The same source, civil_from_days. */
export const calendarDay = (number: number): CalendarDay => {
  const shifted = number + EPOCH;
  const era = Math.floor(shifted / DAYS_IN_400_YEARS);
  const inEra = shifted - era * DAYS_IN_400_YEARS;
  const ofEra = Math.floor(
    (inEra - Math.floor(inEra / 1460) + Math.floor(inEra / 36_524) - Math.floor(inEra / 146_096)) / 365,
  );
  const ofYear = inEra - (365 * ofEra + Math.floor(ofEra / 4) - Math.floor(ofEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: era * 400 + ofEra + (month <= 2 ? 1 : 0),
    month,
    day: ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
};

export const SATURDAY = 7;
export const SUNDAY = 1;

/** From 1, a Sunday, to 7, as EventBridge counts. */
export const weekdayOf = (number: number): number => ((((number + 4) % 7) + 7) % 7) + 1;

export const monthLength = (year: number, month: number): number =>
  (month === 12
    ? dayNumber({ year: year + 1, month: 1, day: 1 })
    : dayNumber({ year, month: month + 1, day: 1 })) - dayNumber({ year, month, day: 1 });
