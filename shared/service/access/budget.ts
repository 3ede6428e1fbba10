import { MICROS } from "../../prices.ts";
import type { BudgetQuery, PatchBudgetBody, TeamBudget } from "../../schemas/budget.ts";
import { findSpend, type Spend } from "../../store/spend.ts";
import { changeTeamBudget, findTeamBudget, type TeamBudget as Limits } from "../../store/team-budget.ts";
import { monthOf } from "../../study/charge.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";

/** A team's limits, and what it has spent in a month. */
export const readBudget = async (
  deps: Pick<ServiceDeps, "store" | "clock">,
  team: string,
  { month = monthOf(deps.clock()) }: BudgetQuery,
): Promise<TeamBudget> => {
  const [{ budget }, spend] = await Promise.all([
    findTeamBudget(deps.store, team),
    findSpend(deps.store, team, month),
  ]);
  return shown(month, budget, spend);
};

/** Sets or removes limits. They hold from the next submit on; what runs goes on. */
export const patchBudget = (
  deps: Pick<ServiceDeps, "store" | "clock">,
  team: string,
  body: PatchBudgetBody,
  write: WriteContext,
): Promise<TeamBudget> =>
  commit(deps, write, async () => {
    const month = monthOf(deps.clock());
    const [stored, spend] = await Promise.all([
      findTeamBudget(deps.store, team),
      findSpend(deps.store, team, month),
    ]);
    const given = Object.entries({ ...stored.budget, ...body });
    const limits: Limits = Object.fromEntries(given.filter(([, limit]) => limit != null));
    return {
      changes: [changeTeamBudget(team, limits, stored)],
      answer: shown(month, limits, spend),
    };
  });

const HOUR = 3600;

const shown = (month: string, limits: Limits, spend: Spend): TeamBudget => ({
  month,
  limits,
  spent: {
    trials: spend.trials,
    gpuHours: spend.gpuSeconds / HOUR,
    vcpuHours: spend.vcpuSeconds / HOUR,
    dollars: spend.micros / MICROS,
  },
  reserved: {
    gpuHours: (spend.boundGpuSeconds - spend.gpuSeconds) / HOUR,
    dollars: (spend.boundMicros - spend.micros) / MICROS,
  },
});
