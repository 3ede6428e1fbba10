import { expect, test } from "vitest";
import { teamKey, tokenKey } from "../../../shared/store/keys.ts";
import { newListing, readListings, removeListing } from "../../../shared/store/listing.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const listing = (study: string) => ({ study, name: "svm-digits", state: "active", created: NOON }) as const;

test("a team's studies are listed in order of their ids, and nobody else's", async () => {
  await store.transact([
    newListing("acme", listing("study-b")),
    newListing("acme", listing("study-a")),
    newListing("other", listing("study-c")),
    { name: "team", key: teamKey("acme"), put: { created: NOON } },
    { name: "token", key: tokenKey("acme", "abc"), put: { name: "t" } },
  ]);
  expect(await readListings(store, "acme", "", 10)).toEqual([listing("study-a"), listing("study-b")]);
});

test("a page begins after an id, whether or not that study still exists, and holds at most so many", async () => {
  await store.transact(["aa-1", "aa-10", "aa-2"].map((id) => newListing("pages", listing(id))));
  const ids = async (after: string, limit: number) =>
    (await readListings(store, "pages", after, limit)).map(({ study }) => study);
  expect(await ids("", 2)).toEqual(["aa-1", "aa-10"]);
  expect(await ids("aa-10", 2)).toEqual(["aa-2"]);
  expect(await ids("aa-11", 2)).toEqual(["aa-2"]);
  expect(await ids("aa-1", 1)).toEqual(["aa-10"]);
});

test("a study that was removed from the list is gone from it, and removing it again is no error", async () => {
  await store.transact([newListing("gone", listing("study-a"))]);
  await store.transact([removeListing("gone", "study-a")]);
  await store.transact([removeListing("gone", "study-a")]);
  expect(await readListings(store, "gone", "", 10)).toEqual([]);
});
