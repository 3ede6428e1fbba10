import { expect, test } from "vitest";
import { authenticate } from "../../../../shared/service/access/authenticate.ts";
import { createGrant, listGrants } from "../../../../shared/service/access/grants.ts";
import { deleteMember, listMembers, putMember } from "../../../../shared/service/access/members.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { createToken, listTokens } from "../../../../shared/service/access/tokens.ts";
import { markLeaving } from "../../../../shared/store/member.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { keyed, noReceipt, testDeps } from "../../../support/service.ts";

const { client, tableName } = await createTestTable();
const deps = testDeps(client, tableName, { now: Date.parse("2026-11-23T12:00:00Z") });
let teams = 0;

/** A team of its own for each test. */
const newTeam = async () => {
  const team = `team-${teams++}`;
  await createTeam(deps, team);
  return {
    team,
    put: (name: string, role?: "owner" | "editor" | "viewer" | null) =>
      putMember(deps, team, { name, ...(role !== undefined && { role }) }, "admin", noReceipt),
    remove: (name: string) => deleteMember(deps, team, name, noReceipt),
    members: async () => (await listMembers(deps, team, {})).members,
    token: (member: string) => createToken(deps, team, { name: "test", member }, "admin", noReceipt),
    grant: (member: string) =>
      createGrant(deps, team, { principal: { member }, study: null, role: "viewer" }, "admin", noReceipt),
    kindOf: async (token: string) =>
      (await authenticate(deps, `Bearer ${token}`, { team, study: null, trial: null })).kind,
  };
};

test("a member is added with a role or without, and keeps what is not named", async () => {
  const { put, members } = await newTeam();
  expect(await put("ann", "editor")).toEqual({
    name: "ann",
    role: "editor",
    created: "2026-11-23T12:00:00.000Z",
    createdBy: "admin",
    state: "active",
  });
  expect(await put("ben")).toMatchObject({ role: null });
  expect(await put("ann")).toMatchObject({ role: "editor" });
  expect(await put("ann", null)).toMatchObject({ role: null });
  expect((await members()).map(({ name, role }) => [name, role])).toEqual([
    ["ann", null],
    ["ben", null],
  ]);
});

test("a team that was not created has no members", async () => {
  const put = putMember(deps, "nobody", { name: "ann" }, "admin", noReceipt);
  await expect(put).rejects.toMatchObject({ facts: { kind: "no-team", team: "nobody" } });
});

test("members are listed page by page", async () => {
  const { team, put } = await newTeam();
  for (const name of ["cid", "dan", "ann", "ben"]) await put(name);
  const first = await listMembers(deps, team, { limit: 3 });
  const second = await listMembers(deps, team, { limit: 3, cursor: first.cursor ?? "" });
  expect([...first.members, ...second.members].map(({ name }) => name)).toEqual(["ann", "ben", "cid", "dan"]);
  expect(second.cursor).toBeNull();
  await expect(listMembers(deps, "team-0", { cursor: first.cursor ?? "" })).rejects.toMatchObject({
    pointer: "/cursor",
  });
});

test("with a member go its tokens, at once, and its grants, and nobody else's", async () => {
  const { team, put, remove, members, token, grant, kindOf } = await newTeam();
  await put("ann");
  await put("anna");
  const [first, second, other] = [await token("ann"), await token("ann"), await token("anna")];
  await grant("ann");
  await grant("anna");
  await remove("ann");
  expect(await Promise.all([first, second, other].map(({ token }) => kindOf(token)))).toEqual([
    "refused",
    "refused",
    "token",
  ]);
  expect((await members()).map(({ name }) => name)).toEqual(["anna"]);
  expect((await listTokens(deps, team, {})).tokens.map(({ id }) => id)).toEqual([other.id]);
  expect((await listGrants(deps, team, {})).grants).toMatchObject([{ principal: { member: "anna" } }]);
  expect(await deps.store.get({ pk: `TOKEN#${first.id}`, sk: "OWNER" })).toBeNull();
  await expect(remove("ann")).rejects.toMatchObject({ facts: { kind: "no-member", name: "ann" } });
});

test("a member that is leaving has no rights, is given nothing, and is shown until it is removed again", async () => {
  const { team, put, remove, members, token, grant, kindOf } = await newTeam();
  await put("ann", "editor");
  const theirs = await token("ann");
  await deps.store.transact([markLeaving(team, "ann", "editor")]);
  expect(await kindOf(theirs.token)).toBe("refused");
  expect(await members()).toMatchObject([{ name: "ann", role: null, state: "leaving" }]);
  await expect(put("ann", "owner")).rejects.toMatchObject({ facts: { kind: "member-leaving", name: "ann" } });
  await expect(token("ann")).rejects.toMatchObject({ facts: { kind: "no-member" } });
  await expect(grant("ann")).rejects.toMatchObject({ facts: { kind: "no-member" } });
  await remove("ann");
  expect(await members()).toEqual([]);
  expect((await listTokens(deps, team, {})).tokens).toEqual([]);
});

test("the last member who owns the team stays its owner, whatever is tried", async () => {
  const { put, remove, members } = await newTeam();
  await put("ann", "owner");
  await put("ben", "editor");
  const refused = { type: "conflict", facts: { kind: "last-owner", name: "ann" } };
  await expect(remove("ann")).rejects.toMatchObject(refused);
  await expect(put("ann", "editor")).rejects.toMatchObject(refused);
  await expect(put("ann", null)).rejects.toMatchObject(refused);
  await put("ann", "owner");
  await put("ben", "owner");
  await remove("ann");
  await expect(remove("ben")).rejects.toMatchObject({ facts: { kind: "last-owner", name: "ben" } });
  expect(await members()).toMatchObject([{ name: "ben", role: "owner", state: "active" }]);
});

test("of two owners who leave at once one stays", async () => {
  const { put, remove, members } = await newTeam();
  await put("ann", "owner");
  await put("ben", "owner");
  const left = await Promise.allSettled([remove("ann"), remove("ben")]);
  expect(left.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(await members()).toHaveLength(1);
});

test("an owner whose removal is done again counts once", async () => {
  const { put, remove } = await newTeam();
  for (const name of ["ann", "ben", "cid"]) await put(name, "owner");
  const restore = injectFaults(client, (command) =>
    command === "BatchWriteItemCommand" ? "throttle" : "none",
  );
  await put("dan", "owner");
  await createToken(deps, `team-${teams - 1}`, { name: "test", member: "dan" }, "admin", noReceipt);
  await expect(remove("dan")).rejects.toMatchObject({ type: "unavailable" });
  await expect(remove("dan")).rejects.toMatchObject({ type: "unavailable" });
  restore();
  await remove("dan");
  await remove("ann");
  await remove("ben");
  await expect(remove("cid")).rejects.toMatchObject({ facts: { kind: "last-owner" } });
});

test("a removal with its key may be repeated", async () => {
  const { team, put } = await newTeam();
  await put("ann");
  await deleteMember(deps, team, "ann", keyed(`remove ${team}`));
  await put("ben");
  await expect(deleteMember(deps, team, "ann", noReceipt)).rejects.toMatchObject({ type: "not-found" });
});
