import { teamBudgetKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** What a team may spend a month (UTC); absent where there is no limit. */
export interface TeamBudget {
  readonly trials?: number;
  readonly gpuHours?: number;
  readonly dollars?: number;
}

/** The name under which a change fails when another came first. */
export const TEAM_BUDGET = "team-budget";

/** A team's budget and its revision, 0 for one that was never set. */
export interface StoredBudget {
  readonly budget: TeamBudget;
  readonly rev: number;
}

/** Doubles travel as JSON. */
export const findTeamBudget = async (store: Store, team: string): Promise<StoredBudget> => {
  const item = await store.get(teamBudgetKey(team));
  if (item === null) return { budget: {}, rev: 0 };
  return { budget: JSON.parse(String(item.limits)) as TeamBudget, rev: Number(item.rev) };
};

/** The budget, on the revision that was read; fails under TEAM_BUDGET when another change came first. */
export const changeTeamBudget = (team: string, budget: TeamBudget, { rev }: StoredBudget): Change => ({
  name: TEAM_BUDGET,
  key: teamBudgetKey(team),
  put: { limits: JSON.stringify(budget), rev: rev + 1 },
  when:
    rev === 0 ? { expression: "attribute_not_exists(pk)" } : { expression: "#rev = :rev", values: { rev } },
});
