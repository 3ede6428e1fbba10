import type { Schedule } from "../../shared/sweep/definition.ts";
import { nextFirings } from "../../shared/sweep/next.ts";

const AT_ONCE = 500;

/** The firings of a schedule from one time to before another, read a few at a time. */
export const firingsBetween = (schedule: Schedule, from: number, to: number): number[] => {
  const found: number[] = [];
  for (let after = from - 1; after < to; after = found.at(-1) ?? to) {
    const next = nextFirings(schedule, { since: 0, after, count: AT_ONCE });
    found.push(...next);
    if (next.length < AT_ONCE) break;
  }
  return found.filter((time) => time < to);
};
