import { teamKey, teamMinuteKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** A team's own item with its count of studies, and one item per minute with what the team created in it. */

/** Studies a team may have at once. */
export const MAX_STUDIES = 10_000;
/** Studies and tokens a team may create per minute. */
export const MAX_CREATIONS_A_MINUTE = 300;

/** Names under which these changes fail. */
export const TEAM = "team";
export const TEAM_CAP = "team-cap";
export const TEAM_RATE = "team-rate";

export const MINUTE_MS = 60_000;

/** A team that did not exist; fails under the name TEAM. */
export const newTeam = (team: string, now: number): Change => ({
  name: TEAM,
  key: teamKey(team),
  update: { set: { created: now } },
  when: { expression: "attribute_not_exists(#created)" },
});

/** Whether the team was created. */
export const hasTeam = async (store: Store, team: string): Promise<boolean> =>
  (await store.get(teamKey(team)))?.created !== undefined;

/** Counts a new study against the team's cap and its rate; fails under the names TEAM_CAP and TEAM_RATE. */
export const countStudy = (team: string, now: number): Change[] => [
  {
    name: TEAM_CAP,
    key: teamKey(team),
    update: { add: { studies: 1 } },
    when: { expression: "attribute_not_exists(#studies) OR #studies < :max", values: { max: MAX_STUDIES } },
  },
  countCreation(team, now),
];

/** A study that is being deleted no longer counts. */
export const uncountStudy = (team: string): Change => ({
  name: TEAM,
  key: teamKey(team),
  update: { add: { studies: -1 } },
});

/** One creation in this minute, which has an item of its own, so that nothing must be reset; fails under TEAM_RATE. */
export const countCreation = (team: string, now: number): Change => {
  const minute = Math.floor(now / MINUTE_MS);
  return {
    name: TEAM_RATE,
    key: teamMinuteKey(team, minute),
    update: { add: { creations: 1 }, set: { ttl: (minute + 2) * 60 } },
    when: {
      expression: "attribute_not_exists(#creations) OR #creations < :max",
      values: { max: MAX_CREATIONS_A_MINUTE },
    },
  };
};
