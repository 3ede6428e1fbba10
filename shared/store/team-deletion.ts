import {
  RECONCILED_PARTITION,
  TEAM_DELETION_PREFIX,
  teamClosedKey,
  teamDeletionKey,
  teamKey,
} from "./keys.ts";
import type { Change, Store } from "./store.ts";

/**
 * The deletion of a team. Its mark lies among the team's own items: whoever writes for the team checks in the same transaction that it is not
 * there, so nothing is written after it that the deletion does not see. A second item leads the reconciler to the team.
 */
export interface TeamDeletion {
  readonly team: string;
  /** When it was asked for, milliseconds since 1970. */
  readonly at: number;
}

/** The name under which changes fail when the team is being deleted. */
export const TEAM_CLOSED = "team-closed";
/** The name under which a deletion fails when there is no such team. */
export const TEAM_THERE = "team-there";

/** Closes a team; fails under TEAM_CLOSED when it is closed already, under TEAM_THERE when there is none. */
export const closeTeam = ({ team, at }: TeamDeletion): Change[] => [
  {
    name: TEAM_CLOSED,
    key: teamClosedKey(team),
    put: { at },
    when: { expression: "attribute_not_exists(pk)" },
  },
  { name: "team-deletion", key: teamDeletionKey(team), put: { at } },
  { name: TEAM_THERE, key: teamKey(team), check: true, when: { expression: "attribute_exists(#created)" } },
];

/** A change goes with the others only while its team is not being deleted; fails under TEAM_CLOSED. */
export const whileOpen = (team: string): Change => ({
  name: TEAM_CLOSED,
  key: teamClosedKey(team),
  check: true,
  when: { expression: "attribute_not_exists(pk)" },
});

export const isTeamClosed = async (store: Store, team: string): Promise<boolean> =>
  (await store.get(teamClosedKey(team))) !== null;

/** Teams that are being deleted. */
export const listTeamDeletions = async (store: Store): Promise<TeamDeletion[]> => {
  const items = await store.list(RECONCILED_PARTITION, TEAM_DELETION_PREFIX);
  return items.map(({ sk, at }) => ({
    team: String(sk).slice(TEAM_DELETION_PREFIX.length),
    at: Number(at),
  }));
};

/** The last of a team, at once: from then on its name is free. */
export const removeTeam = (team: string): Change[] => [
  { name: "team", key: teamKey(team), remove: true },
  { name: TEAM_CLOSED, key: teamClosedKey(team), remove: true },
  { name: "team-deletion", key: teamDeletionKey(team), remove: true },
];
