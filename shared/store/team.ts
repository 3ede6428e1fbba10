import { keyOf, teamClosedKey, teamKey, teamMinuteKey, teamPartition } from "./keys.ts";
import type { Change, Store } from "./store.ts";
import { whileOpen } from "./team-deletion.ts";

/** A team's own item with its count of studies, and one item per minute with what the team created in it. */

/** Studies a team may have at once. */
export const MAX_STUDIES = 10_000;
/** Sweeps a team may have at once: each is a schedule of the deployment's account. */
export const MAX_SWEEPS = 200;
/** Studies, sweeps, tokens, members and grants a team may create per minute. */
export const MAX_CREATIONS_A_MINUTE = 300;

/** Names under which these changes fail. */
export const TEAM = "team";
export const TEAM_CAP = "team-cap";
export const TEAM_RATE = "team-rate";
export const SWEEP_CAP = "sweep-cap";
export const LAST_OWNER = "last-owner";

export const MINUTE_MS = 60_000;

/** A team that did not exist; fails under the name TEAM. */
export const newTeam = (team: string, now: number): Change => ({
  name: TEAM,
  key: teamKey(team),
  update: { set: { created: now } },
  when: { expression: "attribute_not_exists(#created)" },
});

/** A team and what is counted of it. */
export interface TeamItem {
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly studies: number;
  /** Members who own it. */
  readonly owners: number;
}

/** Null when it was not created. */
export const findTeam = async (store: Store, team: string): Promise<TeamItem | null> => {
  const { created, studies = 0, owners = 0 } = (await store.get(teamKey(team))) ?? {};
  return created === undefined
    ? null
    : { created: Number(created), studies: Number(studies), owners: Number(owners) };
};

/** Whether the team was created. */
export const hasTeam = async (store: Store, team: string): Promise<boolean> =>
  (await findTeam(store, team)) !== null;

/** Counts a new study against the team's cap and its rate; fails under the names TEAM_CAP, TEAM_RATE and TEAM_CLOSED. */
export const countStudy = (team: string, now: number): Change[] => [
  {
    name: TEAM_CAP,
    key: teamKey(team),
    update: { add: { studies: 1 } },
    when: { expression: "attribute_not_exists(#studies) OR #studies < :max", values: { max: MAX_STUDIES } },
  },
  countCreation(team, now),
  whileOpen(team),
];

/** A study that is being deleted no longer counts. */
export const uncountStudy = (team: string): Change => ({
  name: TEAM,
  key: teamKey(team),
  update: { add: { studies: -1 } },
});

/** Counts a new sweep against the team's cap and its rate; fails under the names SWEEP_CAP, TEAM_RATE and TEAM_CLOSED. */
export const countSweep = (team: string, now: number): Change[] => [
  {
    name: SWEEP_CAP,
    key: teamKey(team),
    update: { add: { sweeps: 1 } },
    when: { expression: "attribute_not_exists(#sweeps) OR #sweeps < :max", values: { max: MAX_SWEEPS } },
  },
  countCreation(team, now),
  whileOpen(team),
];

/** A sweep that is being deleted no longer counts. */
export const uncountSweep = (team: string): Change => ({
  name: TEAM,
  key: teamKey(team),
  update: { add: { sweeps: -1 } },
});

/**
 * Counts the members who own the team; the last of them stays one, so that a person remains who can let others in. Fails under
 * the name LAST_OWNER.
 */
export const countOwner = (team: string, by: 1 | -1): Change => ({
  name: LAST_OWNER,
  key: teamKey(team),
  update: { add: { owners: by } },
  ...(by < 0 && { when: { expression: "#owners > :one", values: { one: 1 } } }),
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

/** Items that are read to be deleted. */
const REMOVED_AT_ONCE = 500;

/** Deletes everything in the team's partition, whatever it is, but the team itself and the mark that it is being deleted. */
export const removeTeamItems = async (store: Store, team: string): Promise<void> => {
  const kept = new Set([teamKey(team), teamClosedKey(team)].map(({ sk }) => sk));
  for (;;) {
    const items = await store.query(teamPartition(team), " ", "~", REMOVED_AT_ONCE);
    const gone = items.map(keyOf).filter(({ sk }) => !kept.has(sk));
    await store.removeAll(gone);
    if (items.length < REMOVED_AT_ONCE) return;
  }
};
