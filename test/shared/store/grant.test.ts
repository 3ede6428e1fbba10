import { expect, test } from "vitest";
import {
  findGrant,
  GRANT,
  type GrantItem,
  grantsTo,
  listGrantItems,
  type Principal,
  placeOf,
  putGrant,
  removeGrant,
} from "../../../shared/store/grant.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);
const refused = expect.objectContaining({ names: new Set([GRANT]) });
const ann: Principal = { kind: "member", id: "ann" };
const role: Principal = { kind: "iam", id: "arn:aws:iam::111122223333:role/a#b*/c" };
const grant = (principal: Principal, study: string | null, change: Partial<GrantItem> = {}): GrantItem => ({
  team: "acme",
  principal,
  study,
  role: "viewer",
  created: NOON,
  createdBy: "admin",
  ...change,
});

test("a grant reads back as it was written, for its principal, study and team alone", async () => {
  for (const each of [grant(ann, "svm-1"), grant(ann, null, { role: "worker" }), grant(role, "svm-1")]) {
    await store.transact([putGrant(each, true)]);
    expect(await findGrant(store, "acme", each.principal, each.study)).toEqual(each);
  }
  expect(await findGrant(store, "acme", role, null)).toBeNull();
  expect(await findGrant(store, "acme", ann, "svm-2")).toBeNull();
  expect(await findGrant(store, "acme", { kind: "token", id: "ann" }, "svm-1")).toBeNull();
  expect(await findGrant(store, "other", ann, "svm-1")).toBeNull();
});

test("a grant is new once, and replaced only where there is one", async () => {
  const given = grant({ kind: "member", id: "ben" }, "svm-1");
  await expect(store.transact([putGrant(given, false)])).rejects.toEqual(refused);
  await store.transact([putGrant(given, true)]);
  await expect(store.transact([putGrant(given, true)])).rejects.toEqual(refused);
  await store.transact([putGrant({ ...given, role: "editor" }, false)]);
  expect(await findGrant(store, "acme", given.principal, "svm-1")).toMatchObject({ role: "editor" });
  await store.transact([removeGrant(given)]);
  expect(await findGrant(store, "acme", given.principal, "svm-1")).toBeNull();
  await expect(store.transact([removeGrant(given)])).rejects.toEqual(refused);
});

test("all grants of a principal are found, and none of another whose name begins alike", async () => {
  const [short, long] = ["arn:a", "arn:a#b"].map((id): Principal => ({ kind: "iam", id }));
  if (short === undefined || long === undefined) throw new Error("Two principals.");
  const given = [grant(short, null), grant(short, "svm-1"), grant(long, "svm-1")].map((each) => ({
    ...each,
    team: "alike",
  }));
  await store.transact(given.map((each) => putGrant(each, true)));
  expect(await grantsTo(store, "alike", short)).toEqual(given.slice(0, 2));
  expect(await grantsTo(store, "alike", long)).toEqual(given.slice(2));
});

test("grants are listed in order of their places, page by page", async () => {
  const given = [grant(ann, "svm-2"), grant(role, null), grant(ann, "svm-1"), grant(ann, null)].map(
    (each) => ({
      ...each,
      team: "list",
    }),
  );
  await store.transact(given.map((each) => putGrant(each, true)));
  const first = await listGrantItems(store, "list", "", 3);
  expect(first.map(({ principal, study }) => [principal.kind, study])).toEqual([
    ["iam", null],
    ["member", null],
    ["member", "svm-1"],
  ]);
  const rest = await listGrantItems(store, "list", placeOf(first.at(-1) ?? grant(ann, null)), 3);
  expect(rest).toEqual(given.slice(0, 1));
});
