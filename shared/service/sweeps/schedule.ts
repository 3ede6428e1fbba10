import { markSynced, type SweepItem } from "../../store/sweep.ts";
import { toExpression } from "../../sweep/expression.ts";
import { commitOnce } from "../core/commit.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { nextDue } from "./due.ts";

/** EventBridge Scheduler fires within a minute, and tries for some more; until then a schedule that is over stays. */
const OVERDUE_MS = 15 * 60_000;

/**
 * Tells EventBridge Scheduler when a sweep fires. Repeating it is harmless.
 * @returns false while a firing may be on its way whose schedule is to be removed afterwards.
 */
export const tellScheduler = async (deps: ServiceDeps, sweep: SweepItem): Promise<boolean> => {
  const now = deps.clock();
  const next = nextDue(sweep, now);
  if (next === null) {
    if (nextDue(sweep, now - OVERDUE_MS) !== null) return false;
    await deps.schedules.remove(sweep.sweep);
  } else {
    const { ScheduleExpression, ScheduleExpressionTimezone, startDate } = toExpression(
      sweep.schedule,
      sweep.since,
    );
    await deps.schedules.put({
      sweep: sweep.sweep,
      expression: ScheduleExpression,
      timezone: ScheduleExpressionTimezone,
      // A rate counts from its start, which must not have passed: any firing to come is as good.
      start: startDate === undefined ? null : next,
      enabled: sweep.state === "active",
      revision: sweep.revision,
    });
  }
  if (!sweep.synced) await commitOnce(deps, [markSynced(sweep)]);
  return true;
};
