import { expect, test } from "vitest";
import type { Role } from "../../../../shared/schemas/token.ts";
import { accessOfToken, resolveAccess } from "../../../../shared/service/access/resolve.ts";
import { type Principal, putGrant } from "../../../../shared/store/grant.ts";
import { memberKey } from "../../../../shared/store/keys.ts";
import { newMember } from "../../../../shared/store/member.ts";
import type { TokenItem } from "../../../../shared/store/token.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { TEAM, testDeps } from "../../../support/service.ts";
import { NOON } from "../../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const give = (principal: Principal, study: string | null, role: Role) =>
  store.transact([putGrant({ team: TEAM, principal, study, role, created: NOON, createdBy: "admin" }, true)]);
const add = (name: string, role: Role | null) =>
  store.transact([newMember({ team: TEAM, name, role, created: NOON, createdBy: "admin" })]);
const token = (change: Partial<TokenItem> = {}): TokenItem => ({
  team: TEAM,
  id: "abcdefghijkl",
  name: "test",
  role: null,
  member: null,
  study: null,
  hash: "hash",
  former: null,
  created: NOON,
  expires: NOON + 1,
  createdBy: "admin",
  grants: 0,
  used: null,
  ...change,
});

/** How many items are read meanwhile. */
const readsOf = async (run: () => Promise<unknown>): Promise<number> => {
  let reads = 0;
  const restore = injectFaults(client, () => {
    reads++;
    return "none";
  });
  await run();
  restore();
  return reads;
};

test("an AWS principal has what it was granted, in the team and in the study, and no more", async () => {
  const principal: Principal = { kind: "iam", id: "arn:aws:iam::111122223333:role/ci" };
  const none = { role: null, granted: null };
  expect(await resolveAccess(store, TEAM, principal, "svm-1")).toEqual(none);
  await give(principal, null, "viewer");
  await give(principal, "svm-1", "editor");
  expect(await resolveAccess(store, TEAM, principal, "svm-1")).toEqual({ role: "viewer", granted: "editor" });
  expect(await resolveAccess(store, TEAM, principal, "svm-2")).toEqual({ role: "viewer", granted: null });
  expect(await resolveAccess(store, TEAM, principal, null)).toEqual({ role: "viewer", granted: null });
  expect(await resolveAccess(store, "other", principal, "svm-1")).toEqual(none);
});

test("a token of no member has its own role and what it was granted", async () => {
  await give({ kind: "token", id: "abcdefghijkl" }, "svm-1", "worker");
  const granted = token({ role: "viewer", grants: 1 });
  expect(await accessOfToken(store, granted, "svm-1")).toEqual({ role: "viewer", granted: "worker" });
  expect(await accessOfToken(store, granted, null)).toEqual({ role: "viewer", granted: null });
});

test("a token of a member has what the member has now, its own role being a limit", async () => {
  await add("ann", "editor");
  await give({ kind: "member", id: "ann" }, "svm-1", "owner");
  for (const [role, expected] of [
    [null, { role: "editor", granted: "owner" }],
    ["owner", { role: "editor", granted: "owner" }],
    ["editor", { role: "editor", granted: "editor" }],
    ["viewer", { role: "viewer", granted: "viewer" }],
  ] as const) {
    expect(await accessOfToken(store, token({ member: "ann", role }), "svm-1")).toEqual(expected);
  }
  await add("ben", "viewer");
  expect(await accessOfToken(store, token({ member: "ben", role: "editor" }), null)).toMatchObject({
    role: "viewer",
  });
  expect(await accessOfToken(store, token({ member: "ben", role: "worker" }), null)).toMatchObject({
    role: null,
  });
});

test("a grant for the token itself gives nothing that its member does not have", async () => {
  await add("cid", "viewer");
  await give({ kind: "token", id: "ccccccccccccc" }, "svm-1", "owner");
  const theirs = token({ id: "ccccccccccccc", member: "cid", grants: 1 });
  expect(await accessOfToken(store, theirs, "svm-1")).toEqual({ role: "viewer", granted: null });
});

test("with a member that is leaving, or gone, goes the token", async () => {
  expect(await accessOfToken(store, token({ member: "dan" }), null)).toBeNull();
  await add("dan", "owner");
  expect(await accessOfToken(store, token({ member: "dan" }), null)).not.toBeNull();
  await store.update({ name: "leave", key: memberKey(TEAM, "dan"), update: { set: { leaving: true } } });
  expect(await accessOfToken(store, token({ member: "dan" }), null)).toBeNull();
});

test("a token without member and grants costs no read, any other as many whether there is something or not", async () => {
  await add("eve", "viewer");
  await give({ kind: "member", id: "eve" }, "svm-1", "editor");
  const reads = (change: Partial<TokenItem>, study: string | null) =>
    readsOf(() => accessOfToken(store, token(change), study));
  expect(await reads({ role: "editor" }, "svm-1")).toBe(0);
  for (const [change, ofTeam, ofStudy] of [
    [{ grants: 1 }, 1, 2],
    [{ member: "eve" }, 2, 3],
  ] as const) {
    expect(await reads(change, null)).toBe(ofTeam);
    for (const study of ["svm-1", "svm-2", "no-such-study"]) expect(await reads(change, study)).toBe(ofStudy);
  }
});
