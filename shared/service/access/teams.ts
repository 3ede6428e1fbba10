import { Conflict } from "../../errors.ts";
import { newTeam, TEAM } from "../../store/team.ts";
import { TEAM_CLOSED, whileOpen } from "../../store/team-deletion.ts";
import { type CommitDeps, commit } from "../core/commit.ts";
import { noRequest, type WriteContext } from "../core/deps.ts";

/**
 * Creates a team. Only `hone admin` does: there is no route for it.
 * @throws Conflict when it exists.
 */
export const createTeam = (deps: CommitDeps, team: string, write: WriteContext = noRequest): Promise<void> =>
  commit(deps, write, async () => ({
    changes: [whileOpen(team), newTeam(team, deps.clock())],
    answer: undefined,
    refusals: {
      [TEAM_CLOSED]: () => new Conflict({ kind: "team-being-deleted", team }),
      [TEAM]: () => new Conflict({ kind: "team-exists", team }),
    },
  }));
