import { Conflict } from "../../errors.ts";
import { newTeam, TEAM } from "../../store/team.ts";
import { type CommitDeps, commit } from "../core/commit.ts";
import { noRequest } from "../core/deps.ts";

/**
 * Creates a team. Only `hone admin` does: there is no route for it.
 * @throws Conflict when it exists.
 */
export const createTeam = (deps: CommitDeps, team: string): Promise<void> =>
  commit(deps, noRequest, async () => ({
    changes: [newTeam(team, deps.clock())],
    answer: undefined,
    refusals: { [TEAM]: () => new Conflict({ kind: "team-exists", team }) },
  }));
