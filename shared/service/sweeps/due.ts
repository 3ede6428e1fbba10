import type { SweepItem } from "../../store/sweep.ts";
import { nextFirings } from "../../sweep/next.ts";

/** When firings of a sweep are due, in milliseconds since 1970. */

type Scheduled = Pick<SweepItem, "schedule" | "since">;

/** The next firing after a time; null when there is none. */
export const nextDue = ({ schedule, since }: Scheduled, after: number): number | null =>
  nextFirings(schedule, { since, after, count: 1 })[0] ?? null;

const HOUR = 3_600_000;
/** How far back the last firing is looked for: an hour, then longer, up to more than any schedule waits. */
const WINDOWS = [1, 25, 32 * 24, 367 * 24, 29 * 367 * 24].map((hours) => hours * HOUR);
/** No window in which the last firing is looked for, and a shorter one was empty, has more. */
const MOST = 10_000;

/** The last firing at or before a time; null when there was none since the sweep got its schedule. */
export const lastDue = ({ schedule, since }: Scheduled, at: number): number | null => {
  for (const window of WINDOWS) {
    const after = Math.max(since, at - window);
    const due = nextFirings(schedule, { since, after, count: MOST }).filter((each) => each <= at);
    if (due.length > 0) return due.at(-1) ?? null;
    if (after === since) return null;
  }
  return null;
};
