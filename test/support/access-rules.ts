import type { RouteName } from "../../shared/api/routes.ts";
import type { Role } from "../../shared/schemas/token.ts";

/**
 * Who may do what, stated once more and without the code that decides it: a route stands here by name, and a new one does
 * not compile until somebody says what it takes.
 */

/** What a request is, as far as rights go. */
export type Need = "read" | "look" | "work" | "edit" | "own" | "claim";

export const needs = {
  createStudy: "edit",
  listStudies: "look",
  getStudy: "read",
  patchStudy: "edit",
  deleteStudy: "edit",
  ask: "work",
  report: "work",
  heartbeat: "work",
  tell: "work",
  checkpoint: "work",
  claim: "claim",
  addTrials: "edit",
  createCredentials: "edit",
  listTrials: "read",
  getTrial: "read",
  best: "read",
  lineage: "read",
  exportTrials: "read",
  start: "edit",
  stop: "edit",
  createToken: "own",
  listTokens: "own",
  rotateToken: "own",
  deleteToken: "own",
  putMember: "own",
  listMembers: "own",
  deleteMember: "own",
  createGrant: "own",
  listGrants: "own",
  deleteGrant: "own",
  getTeam: "look",
  deleteTeam: "own",
  listAudit: "own",
  exportAudit: "own",
  createSweep: "edit",
  listSweeps: "look",
  getSweep: "look",
  patchSweep: "edit",
  deleteSweep: "edit",
  runSweep: "edit",
  listFirings: "look",
  getBudget: "look",
  patchBudget: "own",
} as const satisfies Record<RouteName, Need>;

/** What a role in the whole team is good for. */
const inTeam: Readonly<Record<Role, readonly Need[]>> = {
  viewer: ["read", "look"],
  worker: ["work"],
  editor: ["read", "look", "work", "edit"],
  owner: ["read", "look", "work", "edit", "own"],
};

/** What a role in a single study is good for there: a worker of one study reads it. */
const inStudy: Readonly<Record<Role, readonly Need[]>> = { ...inTeam, worker: ["work", "read"] };

/** What a principal has: roles in the whole team, and roles in single studies. */
export interface Given {
  readonly team: readonly Role[];
  readonly studies: Readonly<Record<string, readonly Role[]>>;
}

/**
 * What becomes of a request for a route of the team, or of one of its studies.
 * @param study null: the path names none.
 */
export const verdict = (
  given: Given,
  need: Need,
  study: string | null,
): "allowed" | "forbidden" | "hidden" => {
  const alone = study === null ? [] : (given.studies[study] ?? []);
  if (study !== null && given.team.length + alone.length === 0) return "hidden";
  const good = [...given.team.flatMap((role) => inTeam[role]), ...alone.flatMap((role) => inStudy[role])];
  return good.includes(need) ? "allowed" : "forbidden";
};
