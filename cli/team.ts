import type { DeleteTeamBody, Team } from "../shared/schemas/team.ts";
import { command } from "./command.ts";
import { call, callJson } from "./http.ts";

export const show = command({
  summary: "Show the team: since when there is one of its name, and how many studies it has.",
  args: [],
  options: {},
  describe: {},
  run: async () => {
    const found = await callJson<Team>("GET", "/team");
    const { team, created, studies, owners } = found;
    return {
      json: found,
      text: `${team}: created ${created}, ${counted(studies, "study", "studies")}, ${counted(owners, "owner", "owners")}`,
    };
  },
});

export const remove = command({
  summary: "Delete the team and everything it has; nothing can be brought back.",
  args: ["team"],
  options: {},
  describe: {},
  run: async ([confirm = ""]) => {
    await call("DELETE", "/team", { confirm } satisfies DeleteTeamBody);
    return {
      json: { team: confirm },
      text: `Team ${confirm} is deleted. Its jobs end now, and what is left of it is removed within minutes.`,
    };
  },
});

const counted = (n: number, one: string, several: string): string => `${n} ${n === 1 ? one : several}`;
