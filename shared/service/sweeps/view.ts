import type { Firing, Sweep, SweepState, SweepSummary } from "../../schemas/sweep.ts";
import { sweepNoticeSentence } from "../../sentences/sweep-notices.ts";
import { type FiringItem, readFirings } from "../../store/firing.ts";
import type { SweepItem } from "../../store/sweep.ts";
import { timestamp } from "../../study/view.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { nextDue } from "./due.ts";
import { type Progress, progressOf } from "./progress.ts";

/** A firing as clients see it. @param progress of its study; null without one. */
export const toFiring = (
  { scheduled, manual, outcome, reason, at, study }: FiringItem,
  progress: Progress | null,
): Firing => ({
  firing: timestamp(scheduled),
  manual,
  outcome,
  reason,
  at: timestamp(at),
  study,
  state: progress?.state ?? null,
  trials: progress?.summary?.trials ?? null,
  best: progress?.summary?.best ?? null,
});

/** A firing with what its study has come to by now. */
export const describeFiring = async (deps: ServiceDeps, team: string, firing: FiringItem): Promise<Firing> =>
  toFiring(firing, await progressOf(deps, team, firing));

/** Whoever made a schedule has told EventBridge Scheduler within this time, unless something failed. */
const UNTOLD_MS = 60_000;

/** A sweep in a list. @param last its last firing. */
export const toSummary = (item: SweepItem, last: Firing | null, now: number): SweepSummary => {
  const next = nextDue(item, now);
  const state: SweepState = next === null ? "ended" : item.state === "active" ? "active" : "paused";
  return {
    sweep: item.sweep,
    name: item.name,
    state,
    created: timestamp(item.created),
    schedule: item.schedule,
    overlap: item.overlap,
    next: state === "active" && next !== null ? timestamp(next) : null,
    firings: { count: item.count, last },
    message: messageOf(item, last, now),
  };
};

const messageOf = ({ synced, since }: SweepItem, last: Firing | null, now: number): string | null => {
  const notices = [
    ...(!synced && now > since + UNTOLD_MS ? [{ kind: "not-scheduled" } as const] : []),
    ...(last?.outcome === "failed"
      ? [{ kind: "last-failed", firing: last.firing, reason: last.reason ?? "" } as const]
      : []),
  ];
  return notices.map(sweepNoticeSentence).join(" ") || null;
};

/** A sweep as GET shows it. */
export const toSweep = (item: SweepItem, last: Firing | null, now: number): Sweep => ({
  ...toSummary(item, last, now),
  template: item.template,
  warmStart: item.warmStart === 0 ? null : { last: item.warmStart },
  keep: item.keep === 0 ? null : item.keep,
});

/** The last firing of a sweep; null when it has not fired. */
export const lastFiring = async (deps: ServiceDeps, { sweep, team }: SweepItem): Promise<Firing | null> => {
  const [last] = await readFirings(deps.store, sweep, "", 1);
  return last === undefined ? null : describeFiring(deps, team, last);
};
