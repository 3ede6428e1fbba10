import type { Firing, Schedule, Sweep } from "../shared/schemas/sweep.ts";
import { short } from "./best.ts";
import { aligned } from "./table.ts";

/** A schedule in a few words. */
export const scheduleText = ({ cron, rate, at, timezone }: Schedule): string => {
  const zone = timezone === undefined ? "" : ` ${timezone}`;
  if (cron !== undefined) return `cron ${cron}${zone}`;
  if (at !== undefined) return `once at ${at}${zone}`;
  return Object.entries(rate ?? {})
    .map(([unit, count]) => `every ${count} ${unit}`)
    .join("");
};

/** A sweep for a person. */
export const sweepText = (sweep: Sweep): string => {
  const { warmStart, keep, firings, next, overlap, message } = sweep;
  const rules = [
    `overlap ${overlap}`,
    ...(warmStart === null ? [] : [`begins with the last ${warmStart.last}`]),
    ...(keep === null ? [] : [`keeps ${keep} studies`]),
  ];
  return [
    `${sweep.sweep}  ${sweep.state}`,
    `${scheduleText(sweep.schedule)}${next === null ? "" : `, next ${next}`}`,
    rules.join(", "),
    `${countText(firings.count)}${firings.last === null ? "" : ", the last one:"}`,
    ...(firings.last === null ? [] : [firingLine(firings.last)]),
    ...(message === null ? [] : [message]),
  ].join("\n");
};

/** How many firings there were. */
export const countText = (count: number): string => `${count} ${count === 1 ? "firing" : "firings"}`;

/** One firing for a person. */
export const firingLine = (firing: Firing): string => cells(firing).filter(Boolean).join("  ");

/** Firings below each other, to compare what their studies came to. */
export const firingTable = (firings: readonly Firing[]): string => {
  if (firings.length === 0) return "No firings yet.";
  const head = ["firing", "outcome", "study", "state", "trials", "best", "reason"];
  return aligned([head, ...firings.map(cells)])
    .map((line) => line.trimEnd())
    .join("\n");
};

/** In the order of the table's columns. */
const cells = ({ firing, manual, outcome, study, state, trials, best, reason }: Firing): string[] => [
  firing,
  manual ? `${outcome} by hand` : outcome,
  study ?? "",
  state ?? "",
  trials === null ? "" : `${trials.completed + trials.pruned + trials.failed} done`,
  best === null ? "" : Object.values(best.values).map(short).join(" "),
  reason ?? "",
];
