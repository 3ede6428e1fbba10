import { expect, test } from "vitest";
import { memberKey } from "../../../shared/store/keys.ts";
import {
  changeRole,
  checkMember,
  findMember,
  listMemberItems,
  MEMBER,
  newMember,
} from "../../../shared/store/member.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);
const refused = expect.objectContaining({ names: new Set([MEMBER]) });
const member = (name: string, role: "viewer" | "owner" | null = null) => ({
  team: "acme",
  name,
  role,
  created: NOON,
  createdBy: "admin",
});

test("a member reads back as it was written, in its team alone, and is added once", async () => {
  for (const each of [member("ann", "owner"), member("ben")]) {
    await store.transact([newMember(each)]);
    expect(await findMember(store, "acme", each.name)).toEqual({ ...each, isLeaving: false });
  }
  expect(await findMember(store, "other", "ann")).toBeNull();
  await expect(store.transact([newMember(member("ann"))])).rejects.toEqual(refused);
});

test("a role changes from the one that was read, and from no other", async () => {
  await store.transact([newMember(member("cid", "viewer"))]);
  await store.transact([changeRole("acme", "cid", "viewer", null)]);
  expect(await findMember(store, "acme", "cid")).toMatchObject({ role: null });
  await expect(store.transact([changeRole("acme", "cid", "viewer", "owner")])).rejects.toEqual(refused);
  await store.transact([changeRole("acme", "cid", null, "owner")]);
  await expect(store.transact([changeRole("acme", "cid", null, "viewer")])).rejects.toEqual(refused);
  expect(await findMember(store, "acme", "cid")).toMatchObject({ role: "owner" });
  await expect(store.transact([changeRole("acme", "nobody", null, "owner")])).rejects.toEqual(refused);
});

test("nothing is given to one who is not there, or is leaving", async () => {
  await expect(store.transact([checkMember("acme", "dan")])).rejects.toEqual(refused);
  await store.transact([newMember(member("dan"))]);
  await store.transact([checkMember("acme", "dan")]);
  await store.update({ name: "leave", key: memberKey("acme", "dan"), update: { set: { leaving: true } } });
  expect(await findMember(store, "acme", "dan")).toMatchObject({ isLeaving: true });
  await expect(store.transact([checkMember("acme", "dan")])).rejects.toEqual(refused);
  await expect(store.transact([changeRole("acme", "dan", null, "owner")])).rejects.toEqual(refused);
});

test("members are listed in order of their names, page by page", async () => {
  for (const name of ["cat", "ada", "bob"])
    await store.transact([newMember({ ...member(name), team: "list" })]);
  const names = async (after: string, limit: number) =>
    (await listMemberItems(store, "list", after, limit)).map(({ name }) => name);
  expect(await names("", 2)).toEqual(["ada", "bob"]);
  expect(await names("bob", 2)).toEqual(["cat"]);
});
