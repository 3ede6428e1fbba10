/**
 * Cron by its definition, minute by minute, to compare `shared/sweep` with. Nothing here is shared with it: the calendar is
 * JavaScript's, fields are conditions on a minute instead of lists of values, and days are described by what holds of them.
 */

/** Expressions of all kinds, without a fault. */
export const expressions = [
  "0 3 * * ? *",
  "30 2 * * ? *",
  "15 1,2,3 * * ? *",
  "0/15 0-4 * * ? *",
  "0/20 * * * ? *",
  "59 23 L * ? *",
  "0 2 ? * 1L *",
  "30 1 ? * 1#1 *",
  "30 2 ? * SUN 2027",
  "0 9 ? * MON-FRI *",
  "45 1 15W * ? *",
  "0 8 1W * ? *",
  "0 8 31W * ? *",
  "0 12 29-31 FEB,APR,MAY ? *",
  "10 6 1/7 */2 ? 2026-2027",
  "0 0 ? * L *",
  "0 5 ? * 3#5 *",
];

/** What the clocks of a zone show for a minute. */
export interface ShownMinute {
  readonly instant: number;
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly year: number;
}

const MINUTE = 60_000;
/** Clocks change on a quarter of an hour. */
const QUARTER = 15 * MINUTE;

/** Every minute of a span that clocks show, each once: what they show again after they went back is left out. */
export const shownMinutes = (zone: string, from: number, to: number): ShownMinute[] => {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const found: ShownMinute[] = [];
  let latest = Number.NEGATIVE_INFINITY;
  for (let quarter = from; quarter < to; quarter += QUARTER) {
    const [day = 0, month = 0, year = 0, hour = 0, first = 0] = (
      format.format(quarter).match(/\d+/g) ?? []
    ).map(Number);
    for (let i = 0; i < 15; i++) {
      const minute = first + i;
      const shown = Date.UTC(year, month - 1, day, hour, minute);
      if (shown > latest) found.push({ instant: quarter + i * MINUTE, minute, hour, day, month, year });
      latest = Math.max(latest, shown);
    }
  }
  return found;
};

type Holds = (minute: ShownMinute) => boolean;

const MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split(" ");

/** Whether an expression without a fault fires at a minute. */
export const firesAt = (expression: string): Holds => {
  const [minute = "", hour = "", ofMonth = "", month = "", ofWeek = "", year = ""] = expression.split(" ");
  const [isMinute, isHour, isMonth, isYear] = [
    within(minute, 0),
    within(hour, 0),
    within(month, 1, (text) => MONTHS.indexOf(text) + 1),
    within(year, 1970),
  ];
  const isDay = ofWeek === "?" ? dayOfMonth(ofMonth) : dayOfWeek(ofWeek);
  return (shown) =>
    isMinute(shown.minute) &&
    isHour(shown.hour) &&
    isMonth(shown.month) &&
    isYear(shown.year) &&
    isDay(shown);
};

/** A condition on a number: a list of numbers, ranges and steps; `*` begins at the lowest. */
const within = (
  text: string,
  lowest: number,
  named: (name: string) => number = Number,
): ((value: number) => boolean) => {
  const parse = (one: string) => (/^\d+$/.test(one) ? Number(one) : named(one));
  const parts = text.split(",").map((part) => {
    const [range = "", step] = part.split("/");
    const [from, to] = range.split("-");
    const low = range === "*" ? lowest : parse(from ?? "");
    const high =
      to === undefined ? (range === "*" || step !== undefined ? Number.MAX_VALUE : low) : parse(to);
    return { low, high, step: Number(step ?? 1) };
  });
  return (value) =>
    parts.some(({ low, high, step }) => value >= low && value <= high && (value - low) % step === 0);
};

const weekday = ({ year, month, day }: ShownMinute) =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;
const lastDay = ({ year, month }: ShownMinute) => new Date(Date.UTC(year, month, 0)).getUTCDate();

const dayOfMonth = (text: string): Holds => {
  if (text === "L") return (shown) => shown.day === lastDay(shown);
  if (!text.endsWith("W")) {
    const isDay = within(text, 1);
    return (shown) => isDay(shown.day);
  }
  const wanted = Number(text.slice(0, -1));
  return (shown) => {
    if (wanted > lastDay(shown)) return false;
    // Of the month's days from Monday to Friday the one that is nearest.
    const workdays = Array.from({ length: lastDay(shown) }, (_, i) => i + 1).filter((day) => {
      const of = weekday({ ...shown, day });
      return of >= 2 && of <= 6;
    });
    const distance = (day: number) => Math.abs(day - wanted);
    return shown.day === workdays.reduce((best, day) => (distance(day) < distance(best) ? day : best));
  };
};

const dayOfWeek = (text: string): Holds => {
  if (text === "L") return (shown) => weekday(shown) === 7;
  if (text.endsWith("L"))
    return (shown) => weekday(shown) === Number(text[0]) && shown.day + 7 > lastDay(shown);
  const [of, nth] = text.split("#");
  if (nth !== undefined)
    return (shown) => weekday(shown) === Number(of) && Math.ceil(shown.day / 7) === Number(nth);
  const isDay = within(text, 1, (name) => WEEKDAYS.indexOf(name) + 1);
  return (shown) => isDay(weekday(shown));
};
