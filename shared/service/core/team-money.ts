import { findSpend, NOTHING_SPENT, type Spend } from "../../store/spend.ts";
import type { Store } from "../../store/store.ts";
import { findTeamBudget, type TeamBudget } from "../../store/team-budget.ts";

/** A team's limits, and what counts against them in a month: nothing is read of it where there are no limits. */
export const readTeamMoney = async (
  store: Store,
  team: string,
  month: string,
): Promise<{ readonly budget: TeamBudget; readonly spend: Spend }> => {
  const { budget } = await findTeamBudget(store, team);
  const isLimited = Object.keys(budget).length > 0;
  return { budget, spend: isLimited ? await findSpend(store, team, month) : NOTHING_SPENT };
};
