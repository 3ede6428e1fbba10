import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { withParts } from "../../shared/service/core/parts.ts";
import { findSnapshot } from "../../shared/service/core/snapshot.ts";
import { teamPartition } from "../../shared/store/keys.ts";
import { costOf, findSpend, type Reservation } from "../../shared/store/spend.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";

const SPEND = "SPEND#";

/**
 * What does not hold of a team's money (I9), in sentences: what its months say is spent is the sum over its studies, and what they have set
 * aside is the sum over the attempts that run, and over those whose jobs run on. Its studies must be all that it ever had, without segments.
 */
export const moneyFaults = async (
  deps: ServiceDeps,
  team: string,
  studies: readonly LoadedStudy[],
): Promise<string[]> => {
  const total = { trials: 0, gpuSeconds: 0, vcpuSeconds: 0, micros: 0 };
  const held = new Map<string, Reservation[]>();
  for (const study of studies.flatMap(withParts)) {
    const snapshot = await findSnapshot(deps, study);
    if (snapshot === null) continue;
    const { head, trials } = snapshot;
    total.gpuSeconds += head.gpuSeconds;
    total.vcpuSeconds += head.vcpuSeconds;
    total.micros += head.micros;
    total.trials += trials.filter(({ dispatched }) => dispatched).length;
    const hold = (reserved: Reservation, used = 0) => {
      const { month, seconds, micros } = reserved;
      const left = { ...reserved, seconds: seconds - used, micros: micros - costOf(reserved, used) };
      held.set(month, [...(held.get(month) ?? []), left]);
    };
    for (const { state, job, open = [] } of trials) {
      if (state === "running" && job?.reserved !== undefined) hold(job.reserved);
      // Until its job has ended, what an attempt has not used stays set aside.
      for (const run of open) if (run.reserved !== undefined) hold(run.reserved, run.seconds);
    }
  }
  const found: string[] = [];
  const compare = (what: string, counted: number, summed: number) => {
    if (counted !== summed) found.push(`I9: ${what}: ${counted} counted, ${summed} summed`);
  };
  const items = await deps.store.list(teamPartition(team), SPEND);
  const counted = { trials: 0, gpuSeconds: 0, vcpuSeconds: 0, micros: 0 };
  for (const { sk } of items) {
    const month = String(sk).slice(SPEND.length);
    const spend = await findSpend(deps.store, team, month);
    for (const name of Object.keys(counted) as (keyof typeof counted)[]) counted[name] += spend[name];
    const reserved = held.get(month) ?? [];
    const sum = (of: (one: Reservation) => number) => reserved.reduce((all, one) => all + of(one), 0);
    compare(
      `money set aside in ${month}`,
      spend.boundMicros - spend.micros,
      sum(({ micros }) => micros),
    );
    compare(
      `GPU time set aside in ${month}`,
      spend.boundGpuSeconds - spend.gpuSeconds,
      sum(({ gpus, seconds }) => gpus * seconds),
    );
  }
  for (const name of Object.keys(counted) as (keyof typeof counted)[]) {
    compare(name, counted[name], total[name]);
  }
  return found;
};
