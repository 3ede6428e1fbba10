import type { Role } from "../schemas/token.ts";
import { type Rights, roleActions } from "./authorize.ts";

/** Whether a role allows all that another does. Of viewer and worker neither includes the other. */
export const includes = (role: Role, other: Role): boolean =>
  [...roleActions[other]].every((action) => roleActions[role].has(action));

/**
 * What is left of a role that a limit is put on: the lesser of the two.
 * @returns null when there is none, or neither includes the other.
 */
export const limited = (role: Role | null, limit: Role | null): Role | null => {
  if (role === null || limit === null) return null;
  if (includes(limit, role)) return role;
  return includes(role, limit) ? limit : null;
};

/** What a principal may do, before its credential restricts it to a study. */
export type Access = Pick<Rights, "role" | "granted">;

/**
 * Adds what grants give to a role in the team. Where of two roles in the team neither includes the other, one of them is a
 * viewer's, which covers what the other, as one for the study, allows to read there.
 */
export const withGrants = (role: Role | null, given: Access): Access => {
  if (role === null || (given.role !== null && includes(given.role, role))) return given;
  const { granted } = given;
  if (given.role === null || includes(role, given.role)) return { role, granted };
  return { role: "viewer", granted: granted !== null && includes(granted, "worker") ? granted : "worker" };
};
