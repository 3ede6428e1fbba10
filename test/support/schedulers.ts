import * as z from "zod";
import { unscheduled } from "../../shared/scheduler/none.ts";
import type { SchedulerKind } from "../../shared/scheduler/scheduler.ts";
import type { Standing } from "../../shared/scheduler/standing.ts";

/**
 * An asynchronous scheduler for tests: at one step it compares a trial with those that reported there before, stops it
 * when all of them are better, and pauses it when it ties with the best.
 */
export const stopWorst: SchedulerKind<{ at: number }> = {
  name: "stop-worst",
  summary: "Stops a trial that is worse than all others at one step.",
  revision: 1,
  options: { at: z.number() },
  check: () => [],
  create: ({ at }) => {
    const place = { bracket: 0, rung: 0, resource: at };
    const costOf = ({ costs }: Standing) => costs[0] ?? Number.POSITIVE_INFINITY;
    return {
      ...unscheduled,
      levels: [at],
      start: () => place,
      watches: (_, step) => (step === at ? place : null),
      report: ({ step, standing }, { sample }) => {
        const table = sample.map((each) => each.standing).filter(({ trial }) => trial !== standing.trial);
        const better = table.filter((other) => costOf(other) < costOf(standing)).length;
        const reason = {
          kind: "rung-rank",
          rung: 0,
          unit: "step",
          resource: at,
          rank: better + 1,
          of: table.length + 1,
          goOn: table.length,
        } as const;
        if (step !== at) return { decision: "continue", reason, records: null };
        if (table.length > 0 && better === table.length) return { decision: "stop", reason, records: place };
        const isTie = table.some((other) => costOf(other) === costOf(standing));
        if (isTie) return { decision: "pause", reason, records: place, place: { ...place, rung: 1 } };
        return { decision: "continue", reason, records: place };
      },
    };
  },
};
